#include "elbo/objectives/critic.h"

#include <torch/autograd.h>

#include "elbo/kernels/choice.h"

namespace elbo {

Critic::Critic(std::shared_ptr<Network> body) : body_(register_module("body", std::move(body))) {}

std::shared_ptr<Critic> make_code_critic(const Json& declaration, int64_t size, int64_t condition) {
  const Json body =
      declaration.is_null()
          ? Json{{"type", "mlp"}, {"hidden", {256, 256, 256}}, {"activation", "leaky_relu"}}
          : declaration;
  return std::make_shared<Critic>(networks().make({{size}, {1}, condition}, body));
}

Tensor critic_loss(const Tensor& real, const Tensor& made, const std::string& kind) {
  if (kind == "hinge") return torch::relu(1 - real).mean() + torch::relu(1 + made).mean();
  return torch::softplus(-real).mean() + torch::softplus(made).mean();
}

Tensor critic_loss(const std::function<Tensor(const Tensor&)>& logits, const Tensor& real_rows,
                   const Tensor& made, const std::string& kind, double penalty) {
  const bool penalised = penalty > 0 && torch::GradMode::is_enabled();
  const auto x = real_rows.detach().requires_grad_(penalised);
  Tensor real;
  {
    const PlainOperations plain(penalised);
    real = logits(x);
  }
  const auto loss = critic_loss(real, made, kind);
  return penalised ? loss + 0.5 * penalty * squared_gradient(real, x) : loss;
}

Tensor maker_loss(const Tensor& made, const std::string& kind) {
  return kind == "hinge" ? -made.mean() : torch::softplus(-made).mean();
}

Tensor squared_gradient(const Tensor& f, const Tensor& x) {
  const auto gradient = torch::autograd::grad({f.sum()}, {x}, {}, true, /*create_graph=*/true)[0];
  return row_sum(gradient.square()).mean();
}

}  // namespace elbo

#include "elbo/nn/activation.h"

#include <cmath>

#include "elbo/core/registry.h"

namespace elbo {

const std::vector<std::string>& activation_names() {
  static const std::vector<std::string> names{"none",    "relu",     "leaky_relu", "elu",  "tanh",
                                              "sigmoid", "softplus", "gelu",       "silu", "gated"};
  return names;
}

Activation activation_named(const std::string& name) {
  const auto& names = activation_names();
  const auto at = std::find(names.begin(), names.end(), name);
  check(at != names.end(), "[activation] unknown \"", name, "\"; known: ", join(names));
  return static_cast<Activation>(at - names.begin());
}

Tensor activate(const Tensor& a, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return a;
    case Activation::kRelu:
      return torch::relu(a);
    case Activation::kLeakyRelu:
      return torch::leaky_relu(a, 0.01);
    case Activation::kElu:
      return torch::elu(a);
    case Activation::kTanh:
      return torch::tanh(a);
    case Activation::kSigmoid:
      return torch::sigmoid(a);
    case Activation::kSoftplus:
      return torch::softplus(a);
    case Activation::kGelu:
      return torch::gelu(a);
    case Activation::kSilu:
      return torch::silu(a);
    case Activation::kGated: {
      const auto halves = a.chunk(2, 1);
      return halves[0] * torch::sigmoid(halves[1]);
    }
  }
  return a;
}

void initialize(Tensor& weight, Tensor& bias, int64_t fan_in, int64_t fan_out,
                const std::string& how) {
  torch::NoGradGuard no_grad;
  const double in = static_cast<double>(fan_in), out = static_cast<double>(fan_out);
  if (how == "he") {
    weight.normal_(0, std::sqrt(2 / in));
  } else if (how == "xavier") {
    const double bound = std::sqrt(6 / (in + out));
    weight.uniform_(-bound, bound);
  } else {
    check(how == "torch", "[init] unknown \"", how, "\"; known: ", join(kInitializations));
    weight.uniform_(-1 / std::sqrt(in), 1 / std::sqrt(in));
  }
  if (!bias.defined()) return;
  if (how == "torch") {
    bias.uniform_(-1 / std::sqrt(in), 1 / std::sqrt(in));
  } else {
    bias.zero_();
  }
}

}  // namespace elbo

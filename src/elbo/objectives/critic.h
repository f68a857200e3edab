#pragma once

#include <functional>
#include <string>

#include "elbo/model/objective.h"

namespace elbo {

/// A network with one output per row: its logit that the row is real.
class Critic : public torch::nn::Module {
 public:
  explicit Critic(std::shared_ptr<Network> body);
  /// [B]
  Tensor operator()(const Tensor& x, const Tensor& c = Tensor()) {
    return body_->forward(x, c).flatten();
  }

 private:
  std::shared_ptr<Network> body_;
};
/// On vectors of this size. An undeclared network is three hidden layers of 256.
std::shared_ptr<Critic> make_code_critic(const Json& declaration, int64_t size, int64_t condition);

/// What a critic minimises, by the logits of real and of made rows: "logistic" (cross-entropy) or
/// "hinge".
Tensor critic_loss(const Tensor& real, const Tensor& made, const std::string& kind);
/// The same with half of `penalty` times the squared gradient of the logits at the real rows on
/// top, without which the two sides circle each other (Mescheder et al. 2018, arXiv:1801.04406).
Tensor critic_loss(const std::function<Tensor(const Tensor&)>& logits, const Tensor& real_rows,
                   const Tensor& made, const std::string& kind, double penalty);
/// What the maker minimises: non-saturating for "logistic", the negative logit for "hinge".
Tensor maker_loss(const Tensor& made, const std::string& kind);
inline const std::vector<std::string> kCriticLosses{"logistic", "hinge"};

/// Mean over rows of the squared gradient of f [B, …], summed over its outputs, with respect to x,
/// to be differentiated in turn. Zero gradients to what f does not depend on.
Tensor squared_gradient(const Tensor& f, const Tensor& x);

}  // namespace elbo

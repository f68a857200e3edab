#include "elbo/distributions/discrete.h"
#include "elbo/heads/parameters.h"

namespace elbo {
namespace {

/// A code of bits. Its draws carry no gradient: an objective for such codes gives them one.
class BitsHead : public Head {
 public:
  explicit BitsHead(const Context& at) : shape_(at.variable.shape) {
    check_kind("bits", at.variable, {Kind::kReal, Kind::kBinary});
    if (at.role == Role::kFree) logits_ = register_parameter("logits", torch::zeros(shape_));
  }
  Dist operator()(const Tensor& h) override {
    return std::make_shared<Bernoulli>(h.defined() ? h : logits_);
  }
  Shape input() const override { return shape_; }

 private:
  const Shape shape_;
  Tensor logits_;
};

const bool bits_added = heads().add<NoOptions>(
    "bits", "Bits as a code, each 0 or 1; as a free prior: their chances are learned",
    [](const Context& at, NoOptions) { return std::make_shared<BitsHead>(at); });

}  // namespace
}  // namespace elbo

#include "elbo/core/registry.h"
#include "elbo/nn/network.h"

namespace elbo {
namespace {

struct ConstantOptions {
  template <class F>
  void fields(F&&) {}
};

/// The same learned numbers for every row: as an encoder, posteriors begin alike and know of their
/// rows only what --refine and the objective semi_amortized find.
class Constant : public Network {
 public:
  explicit Constant(const NetworkPlan& plan) : out_(plan.out) {
    check(plan.condition == 0, "[network constant] condition: it reads none");
    values_ = register_parameter("values", torch::zeros(out_));
  }
  Tensor forward(const Tensor& x, const Tensor&) override {
    return values_.unsqueeze(0).expand(with_rows(x.size(0), out_));
  }
  std::vector<LayerReport> report() const override {
    return {{"constant", out_, values_.numel(), 0}};
  }

 private:
  const Shape out_;
  Tensor values_;
};

const bool constant_added =
    networks().add<ConstantOptions>("constant", "The same learned numbers for every row",
                                    [](const NetworkPlan& plan, const ConstantOptions&) {
                                      return std::make_shared<Constant>(plan);
                                    });

}  // namespace
}  // namespace elbo

#include "elbo/core/registry.h"
#include "elbo/nn/network.h"

namespace elbo {
namespace {

struct BlocksOptions {
  double spread = 0.5;
  template <class F>
  void fields(F&& f) {
    f("spread", spread, "standard deviation of the initial weights", between(0, 100));
  }
};

/// A linear map of each row of [D, H] by itself, without an offset: what stands in row d of the
/// output depends on row d of the input alone. Of one-hot rows it is a table for each.
class Blocks : public Network {
 public:
  Blocks(const NetworkPlan& plan, const BlocksOptions& o) : plan_(plan) {
    check(plan.condition == 0, "[network blocks] condition: it reads none");
    check(plan.in.size() == 2, "[network blocks] input: found ", to_string(plan.in),
          ", expected rows of classes, as the latent tree has them");
    const int64_t rows = plan.in[0];
    check(!plan.out.empty() && plan.out[0] == rows, "[network blocks] output: found ",
          to_string(plan.out), ", expected ", rows, " rows, one for each of the input");
    weight_ = register_parameter(
        "weight", o.spread * torch::randn({rows, plan.in[1], numel(plan.out) / rows}));
  }

  Tensor forward(const Tensor& x, const Tensor&) override {
    const auto out = torch::bmm(x.transpose(0, 1), weight_).transpose(0, 1);
    return out.reshape(with_rows(x.size(0), plan_.out));
  }

  std::vector<LayerReport> report() const override {
    return {{"weight", plan_.out, weight_.numel(), 2 * weight_.numel()}};
  }

 private:
  const NetworkPlan plan_;
  Tensor weight_;  // [D, H, V]
};

const bool blocks_added =
    networks().add<BlocksOptions>("blocks", "A linear map of each row of the code by itself",
                                  [](const NetworkPlan& plan, const BlocksOptions& options) {
                                    return std::make_shared<Blocks>(plan, options);
                                  });

}  // namespace
}  // namespace elbo

#include "elbo/core/registry.h"
#include "elbo/nn/network.h"

namespace elbo {
namespace {

struct IdentityOptions {
  template <class F>
  void fields(F&&) {}
};

/// What it reads, as it is.
class Identity : public Network {
 public:
  explicit Identity(const NetworkPlan& plan) : plan_(plan) {
    check(plan.condition == 0, "[network identity] condition: it reads none");
    check(numel(plan.in) == numel(plan.out), "[network identity] output: found ",
          to_string(plan.out), ", expected as many numbers as it reads, ", to_string(plan.in));
  }
  Tensor forward(const Tensor& x, const Tensor&) override {
    return x.reshape(with_rows(x.size(0), plan_.out));
  }
  std::vector<LayerReport> report() const override { return {{"identity", plan_.out, 0, 0}}; }

 private:
  const NetworkPlan plan_;
};

const bool identity_added = networks().add<IdentityOptions>(
    "identity", "What it reads, as it is", [](const NetworkPlan& plan, const IdentityOptions&) {
      return std::make_shared<Identity>(plan);
    });

}  // namespace
}  // namespace elbo

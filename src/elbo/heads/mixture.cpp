#include "elbo/distributions/continuous.h"
#include "elbo/distributions/normal_mixture.h"
#include "elbo/heads/parameters.h"

namespace elbo {
namespace {

struct MixtureOptions {
  int64_t components = 10;
  double spread = 2;
  template <class F>
  void fields(F&& f) {
    f("components", components, "number of normals in the mixture", between(1, 10000));
    f("spread", spread, "standard deviation of the initial centres", between(0, 100));
  }
};

/// K learned normals: a prior with clusters.
class MixtureHead : public PriorHead {
 public:
  MixtureHead(const Context& at, const MixtureOptions& options) : shape_(at.variable.shape) {
    check_kind("mixture", at.variable, {Kind::kReal, Kind::kUnit});
    const auto shape = with_rows(options.components, shape_);
    logits_ = register_parameter("logits", torch::zeros({options.components}));
    loc_ = register_parameter("loc", options.spread * torch::randn(shape));
    log_scale_ = register_parameter("log_scale", torch::zeros(shape));
  }
  Dist operator()(const Tensor&) override {
    const auto log_scale = log_scale_.clamp(-7, 7);
    if (shape_.size() == 1) return std::make_shared<NormalMixture>(logits_, loc_, Log(log_scale));
    const auto components = std::make_shared<Normal>(loc_, Log(log_scale));
    return std::make_shared<Mixture>(logits_, components, static_cast<int64_t>(shape_.size()));
  }
  Shape input() const override { return shape_; }

 private:
  Shape shape_;
  Tensor logits_, loc_, log_scale_;
};

const bool mixture_added = heads().add<MixtureOptions>(
    "mixture", "As a free prior: K learned normals (Dilokthanakul et al. 2016, arXiv:1611.02648)",
    [](const Context& at, MixtureOptions options) {
      return std::make_shared<MixtureHead>(at, options);
    });

}  // namespace
}  // namespace elbo

#include "elbo/distributions/continuous.h"
#include "elbo/distributions/normal_mixture.h"
#include "elbo/distributions/row_mixture.h"
#include "elbo/heads/parameters.h"

namespace elbo {
namespace {

struct MixtureOptions {
  int64_t components = 10;
  double spread = 2, min_log_scale = -7, max_log_scale = 7;
  template <class F>
  void fields(F&& f) {
    f("components", components, "number of normals in the mixture", between(1, 10000));
    f("spread", spread, "prior: standard deviation of the initial centres", between(0, 100));
    f("min_log_scale", min_log_scale, "lower bound of the log scales", between(-20, 20));
    f("max_log_scale", max_log_scale, "upper bound of the log scales", between(-20, 20));
  }
};

/// K learned normals: a prior with clusters.
class MixtureHead : public PriorHead {
 public:
  MixtureHead(const Context& at, const MixtureOptions& options)
      : shape_(at.variable.shape), low_(options.min_log_scale), high_(options.max_log_scale) {
    const auto shape = with_rows(options.components, shape_);
    logits_ = register_parameter("logits", torch::zeros({options.components}));
    loc_ = register_parameter("loc", options.spread * torch::randn(shape));
    log_scale_ = register_parameter("log_scale", torch::zeros(shape));
  }
  Dist operator()(const Tensor&) override {
    const auto log_scale = log_scale_.clamp(low_, high_);
    if (shape_.size() == 1) return std::make_shared<NormalMixture>(logits_, loc_, Log(log_scale));
    const auto components = std::make_shared<Normal>(loc_, Log(log_scale));
    return std::make_shared<Mixture>(logits_, components, static_cast<int64_t>(shape_.size()));
  }
  Shape input() const override { return shape_; }

 private:
  Shape shape_;
  double low_, high_;
  Tensor logits_, loc_, log_scale_;
};

/// K normals for each row, of equal shares: a posterior that a single normal is too simple for.
class RowMixtureHead : public ReadingHead {
 public:
  RowMixtureHead(const Context& at, const MixtureOptions& options)
      : shape_(at.variable.shape),
        components_(options.components),
        low_(options.min_log_scale),
        high_(options.max_log_scale) {}
  Dist operator()(const Tensor& h) override {
    auto each = with_rows(h.size(0), with_rows(2 * components_, shape_));
    const auto parts = h.reshape(each);
    return std::make_shared<RowMixture>(
        parts.narrow(1, 0, components_),
        Log(parts.narrow(1, components_, components_).clamp(low_, high_)));
  }
  Shape input() const override { return times(2 * components_, shape_); }

 private:
  Shape shape_;
  int64_t components_;
  double low_, high_;
};

const bool mixture_added = heads().add<MixtureOptions>(
    "mixture",
    "K normals: as a free prior learned (Dilokthanakul et al. 2016, arXiv:1611.02648), else of "
    "each "
    "row (Kviman et al. 2023, arXiv:2209.15514)",
    [](const Context& at, MixtureOptions options) -> std::shared_ptr<Head> {
      check_kind("mixture", at.variable, {Kind::kReal, Kind::kUnit});
      check(options.min_log_scale < options.max_log_scale, "[head mixture] min_log_scale: found ",
            options.min_log_scale, ", must be below max_log_scale, ", options.max_log_scale);
      if (at.role == Role::kFree) return std::make_shared<MixtureHead>(at, options);
      return std::make_shared<RowMixtureHead>(at, options);
    });

}  // namespace
}  // namespace elbo

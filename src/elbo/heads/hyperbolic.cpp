#include "elbo/distributions/hyperbolic.h"

#include "elbo/distributions/halves.h"
#include "elbo/heads/parameters.h"

namespace elbo {
namespace {

struct WrappedNormalOptions {
  double curvature = 1, scale = 1;
  double min_log_scale = -7, max_log_scale = 2;
  template <class F>
  void fields(F&& f) {
    f("curvature", curvature,
      "curvature of the Poincaré ball, without its minus sign; must agree in posterior and prior",
      between(1e-4, 100));
    f("scale", scale, "deviation of the free prior", between(1e-3, 10));
    f("min_log_scale", min_log_scale, "lower bound of the log scale", between(-20, 20));
    f("max_log_scale", max_log_scale, "upper bound of the log scale", between(-20, 20));
  }
};

/// A centre, given as a vector in the origin's tangent space, and a scale per dimension there.
class WrappedNormalHead : public FreeHead {
 public:
  WrappedNormalHead(const Context& at, const WrappedNormalOptions& options)
      : shape_(at.variable.shape), options_(options) {
    check(shape_.size() == 1, "[head wrapped_normal] shape: found ", to_string(shape_),
          ", the ball needs a plain vector");
  }
  Dist operator()(const Tensor& h) override {
    const double c = options_.curvature;
    if (!h.defined()) {
      const auto zeros = torch::zeros(shape_, options());
      return std::make_shared<WrappedNormal>(zeros, Log(zeros + std::log(options_.scale)), c);
    }
    const auto [loc, log_scale] = halves(h, options_.min_log_scale, options_.max_log_scale);
    return std::make_shared<WrappedNormal>(onto_ball(loc, c), Log(log_scale), c);
  }
  Shape input() const override { return times(2, shape_); }

 private:
  Shape shape_;
  WrappedNormalOptions options_;
};

const bool hyperbolic_added = heads().add<WrappedNormalOptions>(
    "wrapped_normal",
    "Normal on the Poincaré ball, for trees (Mathieu et al. 2019, arXiv:1901.06033)",
    [](const Context& at, WrappedNormalOptions options) {
      return std::make_shared<WrappedNormalHead>(at, options);
    });

}  // namespace
}  // namespace elbo

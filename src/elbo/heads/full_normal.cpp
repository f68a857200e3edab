#include "elbo/distributions/full_normal.h"

#include "elbo/heads/parameters.h"

namespace elbo {
namespace {

struct FullNormalOptions {
  double min_log_scale = -7, max_log_scale = 7;
  template <class F>
  void fields(F&& f) {
    f("min_log_scale", min_log_scale, "lower bound of the factor's log diagonal", between(-20, 20));
    f("max_log_scale", max_log_scale, "upper bound of the factor's log diagonal", between(-20, 20));
  }
};

/// Mean, log diagonal and the numbers below the diagonal of the covariance's Cholesky factor.
class FullNormalHead : public ReadingHead {
 public:
  FullNormalHead(const Context& at, const FullNormalOptions& options)
      : d_(at.variable.shape.empty() ? 0 : at.variable.shape[0]), options_(options) {
    check_kind("full_normal", at.variable, numeric_kinds());
    check(at.variable.shape.size() == 1, "[head full_normal] shape: found ",
          to_string(at.variable.shape), ", it describes plain vectors");
    below_ = torch::tril_indices(d_, d_, -1);
    below_ = below_[0] * d_ + below_[1];
  }

  Dist operator()(const Tensor& h) override {
    const auto log_diagonal =
        h.narrow(1, d_, d_).clamp(options_.min_log_scale, options_.max_log_scale);
    const auto below = h.narrow(1, 2 * d_, below_.numel());
    const auto factor = torch::zeros({h.size(0), d_ * d_}, h.options())
                            .index_copy(1, below_.to(h.device()), below)
                            .view({-1, d_, d_});
    return std::make_shared<FullNormal>(h.narrow(1, 0, d_),
                                        factor + torch::diag_embed(log_diagonal.exp()));
  }
  Shape input() const override { return {2 * d_ + d_ * (d_ - 1) / 2}; }

 private:
  int64_t d_;
  FullNormalOptions options_;
  Tensor below_;  // places of the numbers below the diagonal in the flattened factor
};

const bool full_normal_added =
    heads().add<FullNormalOptions>("full_normal", "Normal with full covariance, for small vectors",
                                   [](const Context& at, FullNormalOptions options) {
                                     return std::make_shared<FullNormalHead>(at, options);
                                   });

}  // namespace
}  // namespace elbo

#include <cmath>

#include "elbo/densities/columns.h"

namespace elbo {
namespace {

struct GaussiansOptions {
  int64_t components = 30;
  std::string scale = "standard";
  double ridge = 1e-3, trim = 0;
  template <class F>
  void fields(F&& f) {
    f("components", components, "highest number of components; held-out rows choose among 1, 3, 10",
      between(1, 300));
    scale_field(f, scale);
    f("trim", trim,
      "share of the rows that a second fit leaves out, those that the first finds most surprising "
      "(0 = one fit of all)",
      between(0, 0.5));
    f("ridge", ridge, "added to each variance, in units of the scale", between(1e-9, 1));
  }
};

/// Shares, means and Cholesky factors of the covariances (or deviations alone), all float64.
struct GaussianMixture {
  Tensor share, mean, factor;  // [K], [K, D], [K, D, D] or [K, D]

  bool full() const { return factor.dim() == 3; }

  /// [B, K] log of share times density.
  Tensor log_joint(const Tensor& x) const {
    std::vector<Tensor> each;
    const double half_log = 0.5 * static_cast<double>(x.size(1)) * std::log(2 * M_PI);
    for (int64_t k = 0; k < share.size(0); ++k) {
      const auto apart = (x - mean[k]).t();
      const auto white = full() ? torch::linalg_solve_triangular(factor[k], apart, /*upper=*/false)
                                : apart / factor[k].unsqueeze(1);
      const auto log_det = (full() ? factor[k].diagonal() : factor[k]).log().sum();
      each.push_back(share[k].log() - 0.5 * white.square().sum(0) - log_det - half_log);
    }
    return torch::stack(each, 1);
  }
  Tensor log_prob(const Tensor& x) const { return log_joint(x).logsumexp(1); }

  static GaussianMixture of_responsibilities(const Tensor& x, const Tensor& r, double ridge,
                                             bool full) {
    const auto weight = r.sum(0) + 1e-9;
    GaussianMixture g;
    g.share = weight / weight.sum();
    g.mean = r.t().matmul(x) / weight.unsqueeze(1);
    std::vector<Tensor> factors;
    const auto floor = full ? ridge * torch::eye(x.size(1), torch::kFloat64) : Tensor();
    for (int64_t k = 0; k < r.size(1); ++k) {
      const auto apart = x - g.mean[k];
      if (!full) {
        const auto variance = (apart.square() * r.select(1, k).unsqueeze(1)).sum(0) / weight[k];
        factors.push_back((variance + ridge).sqrt());
        continue;
      }
      const auto covariance = (apart * r.select(1, k).unsqueeze(1)).t().matmul(apart) / weight[k];
      factors.push_back(torch::linalg_cholesky(covariance + floor));
    }
    g.factor = torch::stack(factors);
    return g;
  }
};

/// [n, K] zeros and ones of k-means, begun at rows far from each other.
Tensor clusters(const Tensor& x, int64_t components, uint64_t key) {
  constexpr int64_t kRounds = 10;
  std::vector<Tensor> centres{x[static_cast<int64_t>(bits_at(key, 0) % x.size(0))]};
  auto nearest = (x - centres[0]).square().sum(1);
  for (int64_t k = 1; k < components; ++k) {
    // In proportion to the squared distance from those there are (k-means++).
    const auto sums = nearest.cumsum(0);
    const auto at = uniform_at(key, static_cast<uint64_t>(k)) * sums[-1].item<double>();
    const auto row = torch::searchsorted(sums, torch::tensor(at, torch::kFloat64))
                         .clamp_max(x.size(0) - 1)
                         .item<int64_t>();
    centres.push_back(x[row]);
    nearest = torch::minimum(nearest, (x - centres.back()).square().sum(1));
  }
  auto centre = torch::stack(centres);
  Tensor member;
  for (int64_t round = 0; round < kRounds; ++round) {
    member = torch::one_hot(torch::cdist(x, centre).argmin(1), components).to(torch::kFloat64);
    const auto size = member.sum(0).unsqueeze(1);
    centre = torch::where(size > 0, member.t().matmul(x) / size.clamp_min(1), centre);
  }
  return member;
}

GaussianMixture fit_mixture(const Tensor& x, int64_t components, double ridge, bool full,
                            uint64_t key) {
  constexpr int64_t kRounds = 50;
  constexpr double kSmall = 1e-3;  // nats a row
  auto r = clusters(x, components, key);
  GaussianMixture g;
  double last = -std::numeric_limits<double>::infinity();
  for (int64_t round = 0; round < kRounds; ++round) {
    g = GaussianMixture::of_responsibilities(x, r, ridge, full);
    const auto joint = g.log_joint(x);
    const auto total = joint.logsumexp(1, true);
    r = (joint - total).exp();
    const double now = total.mean().item<double>();
    if (now - last < kSmall) break;
    last = now;
  }
  return g;
}

/// A mixture of normals with full covariances (linear-Gaussian latent variables summed and
/// integrated exactly), by EM; of many columns with variances alone. Classes are one-hot columns,
/// those of many left out. How many components is chosen by the likelihood of a tenth of the rows.
class Gaussians : public Density {
 public:
  Gaussians(const Schema& x, const GaussiansOptions& o)
      : o_(o),
        classes_(classes_of_columns(x)),
        scale_(register_module("scale", make_column_scale(o.scale, classes_))) {
    int64_t features = 0;
    for (const auto classes : classes_) features += width_of(classes);
    check(features > 0, "[density gaussians] columns: found none but those of more than ",
          kMostClasses, " classes");
    full_ = features <= kMostFull;
    const auto real = torch::TensorOptions(torch::kFloat64);
    share_ = register_buffer("share", torch::zeros({o.components}, real));
    mean_ = register_buffer("mean", torch::zeros({o.components, features}, real));
    const Shape one = full_ ? Shape{features, features} : Shape{features};
    factor_ = register_buffer("factor", torch::zeros(with_rows(o.components, one), real));
  }

  void see(const Dataset& training) override {
    torch::NoGradGuard no_gradient;
    constexpr int64_t kMostRows = 16384;
    const auto columns = drawn_columns(training, kMostRows);
    scale_->fit(columns);
    const auto x = features(columns);
    auto best = chosen(x);
    if (o_.trim > 0) {
      const auto fit = best.log_prob(x);
      best = chosen(x.index({fit >= fit.quantile(o_.trim)}));
    }
    const int64_t n = best.share.size(0);
    share_.zero_();
    share_.narrow(0, 0, n).copy_(best.share);
    mean_.narrow(0, 0, n).copy_(best.mean);
    factor_.narrow(0, 0, n).copy_(best.factor);
  }

  Tensor surprise(const Batch& batch, bool) override {
    torch::NoGradGuard no_gradient;
    const int64_t n = std::max<int64_t>(1, (share_ > 0).sum().item<int64_t>());
    const GaussianMixture g{share_.narrow(0, 0, n), mean_.narrow(0, 0, n), factor_.narrow(0, 0, n)};
    return -g.log_prob(features(columns_of_rows(batch)));
  }

 private:
  static constexpr int64_t kMostClasses = 32, kMostFull = 256;

  /// With the number of components that a tenth of the rows likes best, fitted to the others.
  GaussianMixture chosen(const Tensor& x) const {
    constexpr int64_t kLeastHeld = 5;
    const int64_t held = std::min(x.size(0) / 2, std::max(kLeastHeld, x.size(0) / 10));
    const auto fitted = x.narrow(0, held, x.size(0) - held), judged = x.narrow(0, 0, held);
    const auto key = Draw{}.key("gaussians");
    GaussianMixture best;
    double highest = -std::numeric_limits<double>::infinity();
    for (const int64_t components : sizes(fitted)) {
      const auto g = fit_mixture(fitted, components, o_.ridge, full_, key);
      const double value = judged.size(0) > 0 ? g.log_prob(judged).mean().item<double>() : 0;
      if (value <= highest) continue;
      highest = value;
      best = g;
    }
    return best;
  }

  static int64_t width_of(int64_t classes) {
    return classes == 0 ? 1 : classes <= kMostClasses ? classes : 0;
  }
  /// [B, F] float64; a missing cell is at its mean.
  Tensor features(const Tensor& columns) const {
    const auto scaled = scale_->forward(columns).to(torch::kFloat64);
    std::vector<Tensor> parts;
    for (size_t j = 0; j < classes_.size(); ++j) {
      const auto column = scaled.select(1, static_cast<int64_t>(j));
      if (classes_[j] == 0) {
        parts.push_back(column.nan_to_num(0).unsqueeze(1));
      } else if (classes_[j] <= kMostClasses) {
        parts.push_back((column.unsqueeze(1) == torch::arange(classes_[j])).to(torch::kFloat64));
      }
    }
    return torch::cat(parts, 1);
  }
  /// Numbers of components worth a try: those that rows suffice for, within bounded work.
  std::vector<int64_t> sizes(const Tensor& x) const {
    constexpr double kWork = 2e9;
    std::vector<int64_t> list;
    for (const int64_t size : {int64_t{1}, int64_t{3}, int64_t{10}, o_.components}) {
      const double work =
          static_cast<double>(x.size(0) * x.size(1) * (full_ ? x.size(1) : 1) * size);
      const bool fits = size == 1 || (work <= kWork && x.size(0) >= 2 * size);
      const bool known = std::find(list.begin(), list.end(), size) != list.end();
      if (fits && !known && size <= o_.components) list.push_back(size);
    }
    return list;
  }

  const GaussiansOptions o_;
  const std::vector<int64_t> classes_;
  std::shared_ptr<ColumnScale> scale_;
  bool full_ = true;
  Tensor share_, mean_, factor_;
};

const bool gaussians_added = densities().add<GaussiansOptions>(
    "gaussians", "A mixture of normals whose size held-out rows choose",
    [](const Schema& x, const GaussiansOptions& o) { return std::make_shared<Gaussians>(x, o); });

}  // namespace
}  // namespace elbo

#include <algorithm>
#include <cmath>

#include "elbo/densities/columns.h"
#include "elbo/model/keeps_rows.h"

namespace elbo {
namespace {

struct NearestOptions {
  int64_t rows = 4096;
  double share = 0.05;
  int64_t norm = 2;
  std::string scale = "standard";
  template <class F>
  void fields(F&& f) {
    f("rows", rows, "number of training rows kept in the run", between(2, 1000000));
    f("share", share,
      "share of the kept rows that the ball around a row holds: more than the anomalies that may "
      "lie together among them",
      between(1e-6, 1));
    f("norm", norm, "norm of the distances: 1 (sums of differences) or 2 (Euclidean)",
      between(1, 2));
    scale_field(f, scale);
  }
};

/// p(x) from the ball around x that holds a share of the kept rows (Loftsgaarden & Quesenberry
/// 1965): share / volume, by distances on the scale; another class is apart by 1.
class Nearest : public Density, public KeepsRows {
 public:
  Nearest(const Schema& x, const NearestOptions& o)
      : share_(o.share),
        norm_(static_cast<double>(o.norm)),
        classes_(classes_of_columns(x)),
        scale_(register_module("scale", make_column_scale(o.scale, classes_))) {
    const auto columns = static_cast<int64_t>(classes_.size());
    kept_ = register_buffer("kept", torch::zeros({o.rows, columns}));
    count_ = register_buffer("count", torch::zeros({}, torch::kInt64));
  }

  void see(const Dataset& training) override {
    torch::NoGradGuard no_gradient;
    const auto columns = drawn_columns(training, kept_.size(0));
    scale_->fit(columns);
    kept_.narrow(0, 0, columns.size(0)).copy_(scale_->forward(columns));
    count_.fill_(columns.size(0));
  }

  int64_t rows_kept() const override { return count_.item<int64_t>(); }

  Tensor surprise(const Batch& batch, bool seen) override {
    torch::NoGradGuard no_gradient;
    constexpr int64_t kBlock = 256;
    const auto x = features(scale_->forward(columns_of_rows(batch)));
    const int64_t n = count_.item<int64_t>();
    const auto kept = features(kept_.narrow(0, 0, n));
    const auto k = std::clamp<int64_t>(std::llround(share_ * static_cast<double>(n)), 1,
                                       std::max<int64_t>(1, n - 1));
    const auto d = static_cast<double>(classes_.size());
    // log of the volume of the unit ball.
    const double unit = norm_ == 1 ? d * std::log(2) - std::lgamma(d + 1)
                                   : 0.5 * d * std::log(M_PI) - std::lgamma(0.5 * d + 1);
    std::vector<Tensor> parts;
    for (int64_t from = 0; from < x.size(0); from += kBlock) {
      const auto block = x.narrow(0, from, std::min(kBlock, x.size(0) - from));
      const auto apart = torch::cdist(block, kept, norm_, 2);  // no products: equal rows are at 0
      auto radius = std::get<0>(apart.kthvalue(k, 1));
      if (seen && k < n) {
        const auto next = std::get<0>(apart.kthvalue(k + 1, 1));
        radius = torch::where(std::get<0>(apart.min(1)) == 0, next, radius);
      }
      parts.push_back(radius.to(torch::kFloat64));
    }
    const auto radius = torch::cat(parts).clamp_min(kSmallest);
    return d * radius.log() + unit - std::log(static_cast<double>(k) / static_cast<double>(n));
  }

 private:
  static constexpr double kSmallest = 1e-6;

  /// Missing cells at their mean; classes as one-hot columns, two of which are apart by 1.
  Tensor features(const Tensor& scaled) const {
    std::vector<Tensor> parts;
    for (size_t j = 0; j < classes_.size(); ++j) {
      const auto column = scaled.select(1, static_cast<int64_t>(j));
      if (classes_[j] == 0) {
        parts.push_back(column.nan_to_num(0).unsqueeze(1));
      } else {
        parts.push_back((column.unsqueeze(1) == torch::arange(classes_[j])).to(torch::kFloat32) *
                        static_cast<float>(std::pow(0.5, 1 / norm_)));
      }
    }
    return torch::cat(parts, 1);
  }

  const double share_, norm_;
  const std::vector<int64_t> classes_;
  std::shared_ptr<ColumnScale> scale_;
  Tensor kept_, count_;  // [rows, D]; []
};

const bool nearest_added = densities().add<NearestOptions>(
    "nearest", "The ball around a row that holds a share of the training rows, which the run keeps",
    [](const Schema& x, const NearestOptions& o) { return std::make_shared<Nearest>(x, o); });

}  // namespace
}  // namespace elbo

#include <algorithm>
#include <sstream>

#include "elbo/data/row_view.h"
#include "elbo/eval/diagnose.h"
#include "elbo/eval/sample_distance.h"

namespace elbo {
namespace {

constexpr int64_t kCompared = 200;  // rows and samples: a few seconds at most, of slow models
constexpr int64_t kLeastCompared = 20;
constexpr int64_t kMostSide = 32;      // of pictures, averaged down
constexpr double kFarthest = 1.5;      // times the distance between rows of the data
constexpr double kFarthestDraw = 2.5;  // the same where draws carry the likelihood's noise
constexpr double kLeastSpread = 0.05;  // share of the data's variance
constexpr double kLeastKept = 0.02;    // of the variance, by reconstructions

/// Numbers of rows in which distances mean something: pixels, or columns in the data's deviations.
bool has_distances(const Schema& x) { return !TextView::shows(x); }

Tensor comparable(const Tensor& x) {
  if (x.dim() != 4) return x.flatten(1).to(torch::kFloat64);
  const auto side = [&](int64_t axis) { return std::min(kMostSide, x.size(axis)); };
  return torch::adaptive_avg_pool2d(x, {side(2), side(3)}).flatten(1).to(torch::kFloat64);
}

/// [k, …] from the prior. Noise on pictures is the likelihood's allowance: means are compared.
Tensor new_rows(Subject& s, const Batch& rows) {
  const auto p = s.model().generate(rows.size(), rows.c).x;
  return PictureView::shows(s.schemas().x) ? p->mean() : p->sample();
}

/// Median distance of the rows of `a` to their nearest ones of `b`; a row is none of its own.
double usual_gap(const Tensor& a, const Tensor& b) {
  auto distances = squared_distances(a, b);
  if (a.is_same(b)) distances.fill_diagonal_(std::numeric_limits<double>::infinity());
  return std::get<0>(distances.min(1)).median().sqrt().item<double>();
}

std::string better_prior(Subject& s) {
  const auto path = s.run().path().string();
  if (s.run().facts().contains("from")) {
    return "longer training of the prior (elbo train --resume " + path +
           " --epochs …), or another one";
  }
  const bool grid = s.layout().parts[0].shape.size() == 2;
  const auto* prior = s.code_use().is_null() ? "prior=diffusion"
                      : grid                 ? "latent.prior=pixel_cnn"
                                             : "latent.prior=transformer";
  return "longer training, or a prior fitted to the codes: elbo train --from " + path +
         " --out NEXT --set " + prior;
}

Finding far_from_data(double ratio, double most, Subject& s) {
  std::ostringstream says;
  says.precision(2);
  says << "Samples are unlike the data: a sample lies " << ratio
       << " times as far from the row nearest to it as rows lie from each other";
  return {"samples_unlike_data",
          says.str(),
          "distance of a sample to its nearest row, in distances between nearest rows",
          ratio,
          most,
          better_prior(s)};
}

Finding all_alike(double spread, Subject& s) {
  std::ostringstream says;
  says.precision(2);
  says << "Samples are all alike: they vary " << 100 * spread << " % as much as the data";
  return {"samples_alike", says.str(),   "variance of samples as a share of the data's",
          spread,          kLeastSpread, better_prior(s)};
}

/// Reconstructions that the mean of all rows would do as well as, or better.
std::vector<Finding> judge_reconstructions(Subject& s) {
  if (s.batch().mask.defined() || !PictureView::shows(s.schemas().x)) return {};
  const auto& x = s.batch().x;
  const double variance = (x - x.mean(0)).square().mean().item<double>();
  if (variance <= 0) return {};
  const double kept = 1 - (s.reconstructions() - x).square().mean().item<double>() / variance;
  if (kept >= kLeastKept) return {};
  return {{"poor_reconstructions",
           "Reconstructions say no more of a row than the mean of all rows would",
           "share of the variance that reconstructions keep", kept, kLeastKept,
           "longer training (elbo train --resume " + s.run().path().string() + " --epochs …)"}};
}

}  // namespace

std::vector<Finding> diagnose_samples(Subject& s) {
  if (!has_distances(s.schemas().x) || s.size() < kLeastCompared) return {};
  auto findings = judge_reconstructions(s);
  RandomScope scope(static_cast<uint64_t>(s.options().seed) + 2);
  const auto rows = slice(s.batch(), 0, std::min(kCompared, s.size()));
  if (rows.mask.defined()) return findings;  // what is missing has no distance
  auto data = comparable(rows.x), samples = comparable(new_rows(s, rows));
  if (!samples.isfinite().all().item<bool>()) return findings;
  if (rows.x.dim() != 4) {
    const auto deviation = data.std(0, false).clamp_min(1e-12);
    data = data / deviation;
    samples = samples / deviation;
  }
  const double apart = usual_gap(data, data), ratio = usual_gap(samples, data) / apart;
  const double spread = samples.var(0, false).sum().item<double>() /
                        std::max(1e-12, data.var(0, false).sum().item<double>());
  const double most = PictureView::shows(s.schemas().x) ? kFarthest : kFarthestDraw;
  if (apart > 0 && ratio > most) findings.push_back(far_from_data(ratio, most, s));
  if (spread < kLeastSpread) findings.push_back(all_alike(spread, s));
  return findings;
}

}  // namespace elbo

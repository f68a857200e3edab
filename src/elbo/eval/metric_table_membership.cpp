#include <cmath>

#include "elbo/eval/compared_rows.h"
#include "elbo/eval/density.h"
#include "elbo/eval/ranking.h"
#include "elbo/eval/record_distance.h"

// Whether somebody who has the model, or its synthetic rows, can tell who was in its training rows.

namespace elbo {
namespace {

/// [n] -log p(x) of rows under the conditions that they come with.
Tensor surprises(Subject& s, const Batch& rows) {
  constexpr int64_t kBlock = 256, kDraws = 64;
  const int64_t draws = s.model().latent->exact() ? 1 : kDraws;
  const RandomScope scope(static_cast<uint64_t>(s.options().seed));
  std::vector<Tensor> parts;
  for (int64_t from = 0; from < rows.size(); from += kBlock) {
    const auto some = slice(rows, from, std::min(rows.size(), from + kBlock));
    parts.push_back(-importance_log_prob(s.model(), some, draws, draws));
  }
  return torch::cat(parts).to(torch::kFloat64);
}

/// How well the lower of two figures names a training row: area under the curve of members, where
/// ½ says nothing.
double attack_auc(const Tensor& members, const Tensor& others) {
  const auto labels = torch::cat({torch::ones({members.size(0)}, torch::kInt64),
                                  torch::zeros({others.size(0)}, torch::kInt64)});
  return auroc(-torch::cat({members, others}), labels);
}

/// Two attacks on training rows against held-out ones: the row lies near a synthetic one; the model
/// finds it likely.
Json membership(Subject& s) {
  torch::NoGradGuard no_gradient;
  const auto t = compared_rows(s);
  const auto columns = raw_columns(t.columns);
  const auto cells = [&](const Tensor& x) { return raw_cells(x, t.columns); };
  const auto training = cells(t.training), synthetic = cells(t.synthetic);
  const auto nearest = [&](const Tensor& rows) {
    return record_distances(rows, synthetic, training, columns);
  };
  const auto m = static_cast<double>(training.size(0)), n = static_cast<double>(t.held_out.size(0));
  Json figures{
      {"distance_auc", attack_auc(nearest(training), nearest(cells(t.held_out)))},
      {"likelihood_auc", attack_auc(surprises(s, s.pair().training), surprises(s, s.batch()))},
      // Of two samples alike 95 % of all areas are so near to a half (Mann-Whitney).
      {"chance", 1.96 * std::sqrt((m + n + 1) / (12 * m * n))},
      {"protocol", protocol_of(t)}};
  return figures;
}

const bool membership_added = metrics().add<NoOptions>(
    "table_membership",
    "Attacks that tell training rows from held-out ones: by the distance to the closest synthetic "
    "row, and by the model's likelihood",
    [](const NoOptions&) { return make_metric({"table"}, membership); });

}  // namespace
}  // namespace elbo

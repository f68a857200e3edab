#include "elbo/eval/prediction.h"

#include "elbo/data/molecules.h"

namespace elbo {

Predictions predict_properties(Model& model, const Dataset& data, int64_t rows) {
  constexpr int64_t kBlock = 256;
  torch::NoGradGuard no_gradient;
  const int64_t n = rows > 0 ? std::min(rows, data.size()) : data.size();
  std::vector<Tensor> predicted, known;
  for (int64_t from = 0; from < n; from += kBlock) {
    const auto batch = data.get(torch::arange(from, std::min(n, from + kBlock)));
    predicted.push_back((*model.predictor)(model.latent->infer(batch, 0).code)->mean());
    known.push_back(batch.target);
  }
  return {torch::cat(predicted), torch::cat(known)};
}

double correlation_of(const Tensor& a, const Tensor& b) {
  const auto both = a.isfinite().logical_and(b.isfinite()).nonzero().squeeze(1);
  const auto x = a.index_select(0, both).to(torch::kFloat64);
  const auto y = b.index_select(0, both).to(torch::kFloat64);
  const auto dx = x - x.mean(), dy = y - y.mean();
  return ((dx * dy).sum() / (dx.square().sum() * dy.square().sum()).sqrt()).item<double>();
}

Json judge_predictions(Model& model, const Dataset& data, int64_t rows) {
  const auto schema = data.schemas().target;
  if (!model.predictor || !schema.present()) return Json();
  const auto p = predict_properties(model, data, rows);
  const auto names = property_names(schema);
  Json table = Json::array();
  for (int64_t i = 0; i < p.known.size(1); ++i) {
    const auto told = p.predicted.select(1, i), known = p.known.select(1, i);
    const auto there = known.isfinite();
    const auto rows_known = there.sum().item<int64_t>();
    if (rows_known < 2) continue;
    const auto error = (told - known).abs().masked_select(there).mean().item<double>();
    const auto at = static_cast<size_t>(i);
    table.push_back({{"name", at < names.size() ? names[at] : std::to_string(i)},
                     {"correlation", correlation_of(told, known)},
                     {"mean_absolute_error", error},
                     {"rows", rows_known}});
  }
  return table.empty() ? Json() : table;
}

}  // namespace elbo

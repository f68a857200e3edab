#include <algorithm>

#include "elbo/core/random.h"
#include "elbo/eval/chart.h"
#include "elbo/eval/compared_rows.h"
#include "elbo/eval/record_distance.h"
#include "elbo/eval/table_judge.h"

// Single rows of synthetic tables: whether they are copies, and whether they are typical.

namespace elbo {
namespace {

constexpr int64_t kMostRecords = 100000;  // training rows among which the closest is looked for

/// Some of the rows, by chance: files are often in the order of time or class.
Tensor drawn(const Tensor& rows, int64_t count) {
  auto order = permutation(rows.size(0), Draw{}.key("compared records"));
  order.resize(static_cast<size_t>(count));
  return rows.index_select(0, torch::tensor(order, torch::kInt64));
}

/// Distances of synthetic and of held-out rows to the closest training row, and the share of
/// synthetic rows that lie nearer to training than to held-out rows.
Json record_figures(Subject& s) {
  const auto t = compared_rows(s);
  const auto columns = raw_columns(t.columns);
  const auto cells = [&](const Tensor& x) { return raw_cells(x, t.columns); };
  const auto training = cells(training_cells(s, kMostRecords));
  const auto synthetic = cells(t.synthetic), held_out = cells(t.held_out);
  const int64_t same = std::min(t.training.size(0), held_out.size(0));
  const auto nearest = [&](const Tensor& rows, const Tensor& known) {
    return record_distances(rows, known, training, columns);
  };
  Json figures{{"nearer_to_train", share_nearer(nearest(synthetic, cells(drawn(t.training, same))),
                                                nearest(synthetic, drawn(held_out, same)))},
               {"protocol", protocol_of(t)}};
  figures["protocol"]["compared_rows"] = same;
  figures["protocol"]["training_rows"] = training.size(0);
  Chart chart{Chart::Form::kLines,
              "Distance to the closest record",
              "share of rows, nearest first",
              "distance to the closest training row",
              {},
              {}};
  const auto shares = torch::linspace(0, 1, 51, torch::kFloat64);
  const auto add = [&](const std::string& name, const Tensor& rows) {
    const auto distance = nearest(rows, training);
    figures[name + "_median"] = distance.quantile(0.5).item<double>();
    figures[name + "_copies"] = (distance == 0).to(torch::kFloat64).mean().item<double>();
    chart.lines.push_back(
        {spoken(name), doubles_of(shares), doubles_of(distance.quantile(shares))});
  };
  add("synthetic", synthetic);
  add("held_out", held_out);
  figures["charts"] = Json::array({to_json(chart)});
  return figures;
}

/// Numbers from 0 to 1 over the range of the real rows, the mean where missing; classes one-hot.
struct UnitFeatures {
  Tensor low, range, mean;
  explicit UnitFeatures(const Tensor& real) {
    const auto known = real.isnan().logical_not();
    low = std::get<0>(torch::where(known, real, INFINITY).min(0));
    range = std::get<0>(torch::where(known, real, -INFINITY).max(0)) - low;
    range = torch::where(range > 0, range, 1);
    mean = real.nanmean(0);
  }
  Tensor operator()(const Tensor& x) const {
    return ((torch::where(x.isnan(), mean, x) - low) / range).nan_to_num(0, 0, 0);
  }
};

Json typical_figures(Subject& s) {
  const auto t = compared_rows(s);
  const int64_t n = t.training.size(0);
  const auto all = tree_features(torch::cat({t.training, t.synthetic}), t.columns).x;
  const auto real = all.narrow(0, 0, n).to(torch::kFloat64);
  const UnitFeatures unit(real);
  const auto shares = typical_shares(unit(real), unit(all.narrow(0, n, n).to(torch::kFloat64)));
  return {{"alpha_precision", shares.alpha_precision},
          {"beta_recall", shares.beta_recall},
          {"protocol", protocol_of(t)}};
}

const bool records_added = metrics().add<NoOptions>(
    "table_dcr",
    "Distance to the closest record: the share of synthetic rows nearer to training than to "
    "held-out rows, copies of training rows, medians",
    [](const NoOptions&) { return make_metric({"table"}, record_figures); });
const bool typical_added = metrics().add<NoOptions>(
    "table_alpha_precision",
    "Alpha-precision and beta-recall of synthetic rows: how many are typical of training rows, and "
    "how many of these they cover",
    [](const NoOptions&) { return make_metric({"table"}, typical_figures); });

}  // namespace
}  // namespace elbo

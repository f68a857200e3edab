#include <algorithm>

#include "elbo/eval/chart.h"
#include "elbo/eval/compared_rows.h"
#include "elbo/eval/table_quality.h"

// Shape and trend, as SDMetrics' quality report defines them: training rows are what it calls real.

namespace elbo {
namespace {

constexpr size_t kMostNamed = 5, kMostPairs = 100, kMostBars = 12;

/// A number, or null where it is undefined.
Json defined(double value) { return std::isfinite(value) ? Json(value) : Json(); }
double mean_defined(const Tensor& x) { return x.masked_select(x.isfinite()).mean().item<double>(); }

/// The lines of `list` as bars: of synthetic and of real rows.
Json similarity_chart(const std::string& title, const std::string& x, const Json& list,
                      size_t most) {
  Chart chart{Chart::Form::kBars, title, x, "similarity, 0 to 1", {}, {}};
  chart.lines = {{"synthetic", {}, {}}, {"real", {}, {}}};
  for (const auto& entry : list) {
    if (chart.names.size() == most) break;
    if (entry["synthetic"].is_null()) continue;
    chart.names.push_back(entry["name"].get<std::string>());
    for (auto& line : chart.lines) {
      line.y.push_back(entry[line.name].is_null() ? NAN : entry[line.name].get<double>());
    }
  }
  return Json::array({to_json(chart)});
}

/// Cells of a table as a file has them.
struct RawTable {
  ComparedRows rows;
  std::vector<Column> columns;
  std::vector<std::string> names;
  Tensor training, synthetic, held_out;
  explicit RawTable(Subject& s) : rows(compared_rows(s)), columns(raw_columns(rows.columns)) {
    for (const auto& column : columns) names.push_back(column.name);
    training = raw_cells(rows.training, rows.columns);
    synthetic = raw_cells(rows.synthetic, rows.columns);
    held_out = raw_cells(rows.held_out, rows.columns);
  }
};

Json shape_figures(Subject& s) {
  const RawTable t(s);
  const auto scores = column_shapes(t.training, t.synthetic, t.columns);
  const auto usual = column_shapes(t.training, t.held_out, t.columns);
  check(scores.isfinite().any().item<bool>(), "[metric table_shape] no column has a known cell");
  Json columns = Json::array();
  for (size_t i = 0; i < t.columns.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    columns.push_back({{"name", t.names[i]},
                       {"measure", t.columns[i].numeric() ? "KSComplement" : "TVComplement"},
                       {"synthetic", defined(scores[at].item<double>())},
                       {"real", defined(usual[at].item<double>())}});
  }
  return {{"shape", mean_defined(scores)},
          {"real", defined(mean_defined(usual))},
          {"worst", scores.nan_to_num(1).min().item<double>()},
          {"worst_columns", smallest_of(t.names, scores, kMostNamed)},
          {"undefined", scores.isnan().sum().item<int64_t>()},
          {"columns", columns},
          {"charts", similarity_chart("Shape of columns", "column", columns, columns.size())},
          {"protocol", protocol_of(t.rows)}};
}

/// Pairs in the order of a matrix's lower triangle.
struct Pairs {
  std::vector<std::string> names;
  std::vector<const char*> measures;
  Tensor first, second;  // columns
  explicit Pairs(const RawTable& t) {
    const auto d = static_cast<int64_t>(t.columns.size());
    const auto places = torch::tril_indices(d, d, -1);
    first = places[0];
    second = places[1];
    for (int64_t p = 0; p < first.numel(); ++p) {
      const auto i = static_cast<size_t>(first[p].item<int64_t>());
      const auto j = static_cast<size_t>(second[p].item<int64_t>());
      names.push_back(t.names[j] + " & " + t.names[i]);
      measures.push_back(t.columns[i].numeric() && t.columns[j].numeric()
                             ? "CorrelationSimilarity"
                             : "ContingencySimilarity");
    }
  }
  Tensor of(const Tensor& matrix) const { return matrix.index({first, second}); }
};

/// The pairs with the lowest scores, the lowest first.
Json pair_list(const Pairs& pairs, const Tensor& scores, const Tensor& usual) {
  Json list = Json::array();
  const auto order = scores.nan_to_num(2).argsort();
  for (int64_t k = 0; k < order.numel() && list.size() < kMostPairs; ++k) {
    const auto p = order[k].item<int64_t>();
    list.push_back({{"name", pairs.names[static_cast<size_t>(p)]},
                    {"measure", pairs.measures[static_cast<size_t>(p)]},
                    {"synthetic", defined(scores[p].item<double>())},
                    {"real", defined(usual[p].item<double>())}});
  }
  return list;
}

Json trend_figures(Subject& s) {
  const RawTable t(s);
  check(t.columns.size() > 1, "[metric table_trend] found one column, expected two or more");
  const Pairs pairs(t);
  const auto scores = pairs.of(pair_trends(t.training, t.synthetic, t.columns));
  const auto usual = pairs.of(pair_trends(t.training, t.held_out, t.columns));
  const auto ranks =
      pairs.of(number_trends(t.training, t.synthetic, t.columns, Correlation::kSpearman));
  check(scores.isfinite().any().item<bool>(), "[metric table_trend] all columns are constant");
  const auto list = pair_list(pairs, scores, usual);
  Json figures{{"trend", mean_defined(scores)},
               {"real", defined(mean_defined(usual))},
               {"worst", scores.nan_to_num(1).min().item<double>()},
               {"worst_pairs", smallest_of(pairs.names, scores, kMostNamed)},
               {"undefined", scores.isnan().sum().item<int64_t>()},
               {"pairs", list},
               {"charts", similarity_chart("Pairs with the lowest trend", "pair", list, kMostBars)},
               {"protocol", protocol_of(t.rows)}};
  const auto related = scores.masked_select(pairs.of(related_pairs(t.training, t.columns)));
  if (related.isfinite().any().item<bool>()) {
    figures["related_pairs"] = related.isfinite().sum().item<int64_t>();
    figures["trend_of_related"] = mean_defined(related);
  }
  if (ranks.isfinite().any().item<bool>()) {
    figures["rank_correlation"] = mean_defined(ranks);
    figures["worst_rank_correlations"] = smallest_of(pairs.names, ranks, kMostNamed);
  }
  return figures;
}

const bool shape_added = metrics().add<NoOptions>(
    "table_shape",
    "SDMetrics' column shapes of synthetic and training rows: 1 - Kolmogorov-Smirnov of numbers, 1 "
    "- total variation of classes",
    [](const NoOptions&) { return make_metric({"table"}, shape_figures); });
const bool trend_added = metrics().add<NoOptions>(
    "table_trend",
    "SDMetrics' column pair trends of synthetic and training rows: similarity of correlations and "
    "of contingency tables; of rank correlations, too",
    [](const NoOptions&) { return make_metric({"table"}, trend_figures); });

}  // namespace
}  // namespace elbo

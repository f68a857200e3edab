#include "elbo/core/text.h"
#include "elbo/eval/chart.h"
#include "elbo/eval/compared_rows.h"
#include "elbo/eval/linear.h"
#include "elbo/eval/metric.h"
#include "elbo/eval/table_comparison.h"

namespace elbo {
namespace {

constexpr int64_t kMostKnown = 100000;  // training rows among which the closest is looked for
constexpr size_t kMostTargets = 12, kMostTargetClasses = 40;

/// Rows of a table: those that were judged, as many from the prior, and some that training saw.
struct Tables {
  std::vector<Column> columns;
  Tensor held_out, synthetic, training;  // [n, D]
};

Tables tables_of(Subject& s, int64_t most_training) {
  Tables t;
  t.columns = columns_of(s.schemas().x);
  t.held_out = observed(s.batch());
  t.synthetic = as_written(s.samples(), t.columns);
  const auto key = Draw{static_cast<uint64_t>(s.options().seed), 0}.key("training rows");
  std::vector<Tensor> parts;
  for_each_batch(*some_rows(s.training(), most_training, key), 4096, Draw{},
                 [&](const Batch& batch, int64_t) { parts.push_back(observed(batch)); });
  t.training = torch::cat(parts);
  return t;
}

Json table_protocol(const Tables& t) {
  return {{"rows", t.held_out.size(0)},
          {"samples", t.synthetic.size(0)},
          {"training_rows", t.training.size(0)}};
}

/// A bar for each column, of synthetic and of real rows.
Json column_chart(const std::string& title, const std::string& measure, const Json& columns) {
  Chart chart{Chart::Form::kBars, title, "column", measure, {}, {}};
  chart.lines = {{"synthetic", {}, {}}, {"real", {}, {}}};
  for (const auto& column : columns) {
    chart.names.push_back(column["name"].get<std::string>());
    for (auto& line : chart.lines) line.y.push_back(column[line.name].get<double>());
  }
  return Json::array({to_json(chart)});
}

/// Distances of each column: synthetic from held-out rows, and training rows for comparison.
Json marginals(Subject& s) {
  const auto t = tables_of(s, s.size());
  const auto distances = marginal_distances(t.synthetic, t.held_out, t.columns);
  const auto usual = marginal_distances(t.training, t.held_out, t.columns);
  const auto worst = distances.argmax().item<int64_t>();
  Json columns = Json::array();
  for (size_t i = 0; i < t.columns.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    columns.push_back({{"name", t.columns[i].name},
                       {"synthetic", distances[at].item<double>()},
                       {"real", usual[at].item<double>()}});
  }
  return {{"mean", distances.mean().item<double>()},
          {"worst", distances[worst].item<double>()},
          {"worst_column", t.columns[static_cast<size_t>(worst)].name},
          {"real_mean", usual.mean().item<double>()},
          {"real_worst", usual.max().item<double>()},
          {"columns", columns},
          {"charts",
           column_chart("Distance of columns", "distance from held-out rows, 0 to 1", columns)},
          {"protocol", table_protocol(t)}};
}

/// Mean over pairs of columns of |difference of associations|, from held-out rows.
Json pair_differences(Subject& s) {
  const auto t = tables_of(s, s.size());
  const auto d = static_cast<int64_t>(t.columns.size());
  check(d > 1, "[metric table_associations] found one column, expected two or more");
  const auto truth = associations(t.held_out, t.columns);
  const auto difference = (associations(t.synthetic, t.columns) - truth).abs().tril(-1);
  const auto usual = (associations(t.training, t.columns) - truth).abs().tril(-1);
  const auto worst = difference.argmax().item<int64_t>();
  const double pairs = static_cast<double>(d * (d - 1)) / 2;
  return {{"mean", difference.sum().item<double>() / pairs},
          {"worst", difference.max().item<double>()},
          {"worst_pair", t.columns[static_cast<size_t>(worst % d)].name + ", " +
                             t.columns[static_cast<size_t>(worst / d)].name},
          {"real_mean", usual.sum().item<double>() / pairs},
          {"real_worst", usual.max().item<double>()},
          {"protocol", table_protocol(t)}};
}

/// Rows whose condition is a label get it as a last column.
void add_label(Subject& s, Tables& t) {
  const auto& c = s.schemas().c;
  if (c.kind != Kind::kCategory || c.shape.size() != 1) return;
  Column label;
  label.name = "label";
  label.type = "category";
  label.classes = class_names(c);
  t.columns.push_back(label);
  const auto with = [](const Tensor& x, const Tensor& condition) {
    return torch::cat({x, condition.argmax(1, true).to(x.options())}, 1);
  };
  t.held_out = with(t.held_out, s.batch().c);
  t.synthetic = with(t.synthetic, s.batch().c);
  const auto key = Draw{static_cast<uint64_t>(s.options().seed), 0}.key("training rows");
  const auto rows = some_rows(s.training(), t.training.size(0), key);
  t.training = with(t.training, rows->get(torch::arange(rows->size())).c);
}

/// Columns to predict: the label where rows are made for one, else all categories.
std::vector<int64_t> targets_of(const std::vector<Column>& columns, bool label) {
  std::vector<int64_t> targets;
  for (size_t i = label ? columns.size() - 1 : 0; i < columns.size(); ++i) {
    const auto& c = columns[i];
    const bool classes = c.type == "category" || c.type == "binary";
    if (!classes || c.classes.size() > kMostTargetClasses || targets.size() == kMostTargets) {
      continue;
    }
    targets.push_back(static_cast<int64_t>(i));
  }
  return targets;
}

/// Share of held-out rows whose class a logistic regression fitted to `rows` tells from the other
/// columns; numbers are scaled as the real training rows are.
double prediction_accuracy(const Tables& t, const Tensor& rows, int64_t target) {
  const auto known = [&](const Tensor& x) {
    return x.index_select(0, x.select(1, target).isnan().logical_not().nonzero().squeeze(1));
  };
  const auto features = [&](const Tensor& x) {
    return table_features(x, t.training, t.columns, target);
  };
  const auto classes = [&](const Tensor& x) { return x.select(1, target).to(torch::kInt64); };
  const auto fitted = known(rows), judged = known(t.held_out);
  check(fitted.size(0) > 0 && judged.size(0) > 0, "[metric table_training] column \"",
        t.columns[static_cast<size_t>(target)].name, "\": no cell is known");
  const auto count = static_cast<int64_t>(t.columns[static_cast<size_t>(target)].classes.size());
  const auto model = fit_logistic(features(fitted), classes(fitted), count);
  return accuracy(model.predict(features(judged)), classes(judged));
}

/// Accuracies on held-out rows after training on synthetic and on as many real rows.
Json train_on_synthetic(Subject& s) {
  auto t = tables_of(s, s.size());
  const auto width = t.columns.size();
  add_label(s, t);
  const auto targets = targets_of(t.columns, t.columns.size() > width);
  check(!targets.empty(), "[metric table_training] no column of 2 to ", kMostTargetClasses,
        " classes to predict");
  Json columns = Json::array();
  double synthetic = 0, real = 0, most = -1;
  std::string worst;
  for (const auto target : targets) {
    const auto& name = t.columns[static_cast<size_t>(target)].name;
    const double one = prediction_accuracy(t, t.synthetic, target);
    const double other = prediction_accuracy(t, t.training, target);
    columns.push_back({{"name", name}, {"synthetic", one}, {"real", other}});
    synthetic += one / static_cast<double>(targets.size());
    real += other / static_cast<double>(targets.size());
    if (other - one > most) worst = name;
    most = std::max(most, other - one);
  }
  return {{"synthetic", synthetic},
          {"real", real},
          {"lost", real - synthetic},
          {"most_lost", most},
          {"most_lost_at", worst},
          {"columns", columns},
          {"charts", column_chart("Accuracy on held-out rows", "share of held-out rows", columns)},
          {"protocol", table_protocol(t)}};
}

/// Distances to the closest training row: synthetic rows that are copies lie nearer than rows that
/// training did not see.
Json privacy(Subject& s) {
  const auto t = tables_of(s, kMostKnown);
  Json figures{{"protocol", table_protocol(t)}};
  Chart chart{Chart::Form::kLines,
              "Closest training row",
              "share of rows, nearest first",
              "Gower's distance to the closest training row",
              {},
              {}};
  const auto shares = torch::linspace(0, 1, 51, torch::kFloat64);
  const auto add = [&](const std::string& name, const Tensor& rows) {
    const auto distances = closest_distances(rows, t.training, t.columns);
    figures[name + "_median"] = distances.quantile(0.5).item<double>();
    figures[name + "_fifth"] = distances.quantile(0.05).item<double>();
    figures[name + "_copies"] = (distances == 0).to(torch::kFloat64).mean().item<double>();
    const auto curve = distances.to(torch::kFloat64).quantile(shares);
    chart.lines.push_back({spoken(name), doubles_of(shares), doubles_of(curve)});
  };
  add("synthetic", t.synthetic);
  add("held_out", t.held_out);
  figures["charts"] = Json::array({to_json(chart)});
  return figures;
}

bool add_table_metric(const char* name, const char* about, Json (*measure)(Subject&)) {
  return metrics().add<NoOptions>(
      name, about, [measure](const NoOptions&) { return make_metric({"table"}, measure); });
}

const bool marginals_added =
    add_table_metric("table_marginals",
                     "Distance of each column's distribution between synthetic and held-out rows "
                     "(Kolmogorov-Smirnov, total variation)",
                     marginals);
const bool associations_added =
    add_table_metric("table_associations",
                     "Difference in associations of pairs of columns (correlation, correlation "
                     "ratio, Cramér's V) between synthetic and held-out rows",
                     pair_differences);
const bool training_added = add_table_metric(
    "table_training",
    "Accuracy on held-out rows of logistic regression trained on synthetic and on real rows",
    train_on_synthetic);
const bool privacy_added = add_table_metric(
    "table_privacy",
    "Distance of synthetic and held-out rows to the closest training row, and the share of copies",
    privacy);

}  // namespace
}  // namespace elbo

#include <algorithm>

#include "elbo/eval/boosted_forest.h"
#include "elbo/eval/compared_rows.h"
#include "elbo/eval/linear.h"
#include "elbo/eval/table_judge.h"

// Synthetic tables as gradient-boosted trees see them.

namespace elbo {
namespace {

constexpr size_t kMostJudgedClasses = 40, kMostTellers = 5;

Json forest_protocol(const ComparedRows& t) {
  auto protocol = protocol_of(t);
  protocol["trees"] = forest_library() + ", 100 rounds, depth 6";
  return protocol;
}

/// What the splits on the features of each column brought, [D].
Tensor gain_of_columns(const TreeFeatures& features, const Tensor& gain, size_t columns) {
  const auto place = torch::tensor(features.column, torch::kInt64);
  return torch::zeros({static_cast<int64_t>(columns)}, torch::kFloat64).index_add(0, place, gain);
}

Json told_apart_figures(Subject& s) {
  const auto t = compared_rows(s);
  const int64_t n = t.training.size(0);
  check(n >= 3, "[metric table_c2st] found ", n, " training rows, expected three or more");
  const auto features = tree_features(torch::cat({t.training, t.synthetic}), t.columns);
  const auto told =
      tell_apart(features.x.narrow(0, 0, n), features.x.narrow(0, n, n), three_folds(n, n));
  std::vector<std::string> names;
  for (const auto& column : t.columns) names.push_back(column.name);
  const auto gain = gain_of_columns(features, told.gain, names.size());
  Json columns = Json::array();
  for (size_t i = 0; i < names.size(); ++i) {
    columns.push_back({{"name", names[i]}, {"gain", gain[static_cast<int64_t>(i)].item<double>()}});
  }
  Json figures{{"c2st", told.c2st()},
               {"auc", told.auc},
               {"told_by", largest_of(names, gain, kMostTellers)},
               {"columns", columns},
               {"protocol", forest_protocol(t)}};
  figures["protocol"]["folds"] = 3;
  return figures;
}

/// The column that is predicted: see JudgeOptions::target.
size_t target_of(const std::vector<Column>& columns, const std::string& wanted, bool label) {
  std::vector<std::string> names;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == wanted) return i;
    names.push_back(columns[i].name);
  }
  check(wanted.empty(), "[target] ", wanted, ": no such column; known: ", join(names));
  if (label) return columns.size() - 1;
  for (size_t i = columns.size(); i-- > 0;) {
    if (!is_number(columns[i]) && columns[i].classes.size() <= kMostJudgedClasses) return i;
  }
  for (size_t i = columns.size(); i-- > 0;) {
    if (is_number(columns[i])) return i;
  }
  fail("[metric table_mle] found no column of 2 to ", kMostJudgedClasses,
       " classes and no number to predict; name one by --target");
}

/// Figures on held-out rows of trees that were fitted to some rows.
struct Efficacy {
  double score = 0, error = 0;  // AUC and accuracy, or R² and root mean squared error
};

/// Trees that predict one column, judged by the held-out rows.
class Predictor {
 public:
  Predictor(const ComparedRows& t, size_t target)
      : columns_(t.columns), target_(target), number_(is_number(t.columns[target])) {
    held_out_ = with_known_target(t.held_out);
    check(held_out_.size(0) > 0, "[metric table_mle] column \"", t.columns[target].name,
          "\": no held-out cell is known");
  }
  bool number() const { return number_; }

  Efficacy fitted_to(const Tensor& x) const {
    const auto rows = with_known_target(x);
    check(rows.size(0) > 0, "[metric table_mle] column \"", columns_[target_].name,
          "\": no cell is known");
    const auto features =
        tree_features(torch::cat({rows, held_out_}), columns_, static_cast<int64_t>(target_)).x;
    const auto seen = features.narrow(0, 0, rows.size(0));
    const auto judged = features.narrow(0, rows.size(0), held_out_.size(0));
    const auto truth = targets(held_out_);
    const int64_t classes =
        number_ ? 0 : std::max<int64_t>(2, static_cast<int64_t>(columns_[target_].classes.size()));
    const auto predicted = boost_forest(seen, targets(rows), judged, classes).predicted;
    if (!number_) return {class_auc(predicted, truth), accuracy(predicted.argmax(1), truth)};
    return {explained(predicted, truth), (predicted - truth).square().mean().sqrt().item<double>()};
  }

 private:
  Tensor cells(const Tensor& x) const {
    return raw_cells(x.narrow(1, static_cast<int64_t>(target_), 1), {columns_[target_]})
        .select(1, 0);
  }
  Tensor with_known_target(const Tensor& x) const {
    return x.index_select(0, cells(x).isnan().logical_not().nonzero().flatten());
  }
  Tensor targets(const Tensor& x) const { return number_ ? cells(x) : cells(x).to(torch::kInt64); }

  std::vector<Column> columns_;
  size_t target_;
  bool number_;
  Tensor held_out_;
};

/// Trained on synthetic rows and on as many real ones, tested on held-out real ones.
Json efficacy_figures(Subject& s) {
  const auto t = compared_rows(s);
  const bool label = t.columns.size() > columns_of(s.schemas().x).size();
  const size_t target = target_of(t.columns, s.options().target, label);
  const Predictor predictor(t, target);
  const auto synthetic = predictor.fitted_to(t.synthetic), real = predictor.fitted_to(t.training);
  const std::string second = predictor.number() ? "_rmse" : "_accuracy";
  return {{"target", t.columns[target].name},     {"measure", predictor.number() ? "R2" : "AUC"},
          {"synthetic", synthetic.score},         {"real", real.score},
          {"lost", real.score - synthetic.score}, {"synthetic" + second, synthetic.error},
          {"real" + second, real.error},          {"protocol", forest_protocol(t)}};
}

const bool told_apart_added = metrics().add<NoOptions>(
    "table_c2st",
    "Classifier two-sample test: 2 (1 - AUC) of boosted trees that tell synthetic from training "
    "rows, 1 = cannot be told apart",
    [](const NoOptions&) { return make_metric({"table"}, told_apart_figures); });
const bool efficacy_added = metrics().add<NoOptions>(
    "table_mle",
    "Machine learning efficacy: boosted trees trained on synthetic and on real rows predict a "
    "column of held-out rows (AUC, or R² of a number)",
    [](const NoOptions&) { return make_metric({"table"}, efficacy_figures); });

}  // namespace
}  // namespace elbo

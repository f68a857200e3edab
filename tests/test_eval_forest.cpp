#include <algorithm>

#include "elbo/eval/boosted_forest.h"
#include "elbo/eval/metric.h"
#include "elbo/eval/table_judge.h"
#include "elbo/train/plan.h"
#include "files.h"
#include "golden_tables.h"
#include "near.h"

namespace elbo {
namespace {

/// Another version of the library rounds its histograms otherwise.
constexpr double kForest = 0.005;

void check_near(double found, const Json& known) {
  CHECK(std::abs(found - known.get<double>()) < kForest);
}

TEST_CASE("trees tell tables apart and predict columns as XGBoost's own package does") {
  const auto known = golden_file("forest");
  const auto real = rows_of(known["real"]), synthetic = rows_of(known["synthetic"]);
  const auto test = rows_of(known["test"]);
  const auto told =
      tell_apart(real, synthetic, torch::tensor(known["folds"].get<std::vector<int64_t>>()));
  check_near(told.auc, known["auc"]);
  check_near(told.c2st(), known["c2st"]);
  CHECK(told.gain.sum().item<double>() == doctest::Approx(1));

  const auto but_first = [](const Tensor& x) { return x.narrow(1, 1, 5); };
  const auto sign = [](const Tensor& x) { return (x.select(1, 0) > 0).to(torch::kInt64); };
  const auto binary = boost_forest(but_first(synthetic), sign(synthetic), but_first(test), 2);
  check_near(class_auc(binary.predicted, sign(test)), known["binary_auc"]);
  const auto word = [](const Tensor& x) { return x.narrow(1, 3, 3).argmax(1); };
  const auto several =
      boost_forest(synthetic.narrow(1, 0, 3), word(synthetic), test.narrow(1, 0, 3), 3);
  CHECK(several.predicted.sum(1).sub(1).abs().max().item<double>() < 1e-5);
  check_near(class_auc(several.predicted, word(test)), known["classes_auc"]);
  const auto numbers =
      boost_forest(but_first(synthetic), synthetic.select(1, 0), but_first(test), 0);
  check_near(explained(numbers.predicted, test.select(1, 0)), known["r2"]);
}

TEST_CASE("equal samples cannot be told apart, a shifted column tells them and is named") {
  const RandomScope scope(11);
  const auto x = torch::randn({600, 3}), y = torch::randn({600, 3});
  const auto folds = three_folds(600, 600);
  CHECK((folds.narrow(0, 0, 600) == 0).sum().item<int64_t>() == 200);
  CHECK(tell_apart(x, y, folds).c2st() > 0.85);
  y.select(1, 1).add_(4);
  const auto told = tell_apart(x, y, folds);
  CHECK(told.c2st() < 0.1);
  CHECK(told.gain[1].item<double>() > 0.9);
}

TEST_CASE("trees judge the synthetic rows of a run, and predict the column that is asked for") {
  const TempFolder folder;
  TrainRequest request;
  request.data = "builtin:census";
  request.data_options = {{"rows", 1500}};
  request.train_options = {{"steps", 200}, {"batch", 100}};
  const auto plan = plan_training(request);
  auto run = std::make_shared<Run>(Run::create(folder.at("run"), plan.facts, plan.schemas, false));
  fit(*run, {}, plan.data);
  JudgeOptions how;
  how.judged = 300;
  const auto judged = [&](const std::string& names, const std::string& target) {
    how.target = target;
    Subject subject(run->load(), run, run->held_out(nullptr), how);
    return measure(subject, names, [](double) {})["metrics"];
  };
  const auto found = judged("table_c2st,table_mle", "");
  const auto& told = found["table_c2st"];
  CHECK(told["c2st"].get<double>() ==
        doctest::Approx(2 * (1 - std::max(0.5, told["auc"].get<double>()))));
  CHECK(told["columns"].size() == 10);
  CHECK(told["protocol"]["trees"].get<std::string>().find("xgboost") == 0);
  CHECK(found["table_mle"]["target"] == "region");
  CHECK(found["table_mle"]["measure"] == "AUC");
  const auto income = judged("table_mle", "income")["table_mle"];
  CHECK(income["measure"] == "R2");
  CHECK(income["real"].get<double>() > 0.2);
  CHECK(income["real_rmse"].get<double>() > 100);
  CHECK(error_of([&] { judged("table_mle", "fame"); }).find("[target] fame: no such column") !=
        std::string::npos);
}

}  // namespace
}  // namespace elbo

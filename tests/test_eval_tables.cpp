#include <algorithm>

#include "elbo/eval/chart.h"
#include "elbo/eval/metric.h"
#include "elbo/eval/table_comparison.h"
#include "elbo/train/plan.h"
#include "files.h"
#include "golden_tables.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

/// Correlated numbers and classes that follow them: a real column, a category, a real column.
struct Correlated {
  std::vector<Column> columns{column_of("real", 0), column_of("category", 3), column_of("real", 0)};
  Tensor x;
  explicit Correlated(int64_t n) {
    const RandomScope scope(7);
    const auto a = torch::randn({n});
    const auto k = (a + 0.3 * torch::randn({n})).mul(1.2).add(1).round().clamp(0, 2);
    x = torch::stack({a, k, -a + 0.2 * torch::randn({n})}, 1);
  }
  /// Each column in an order of its own.
  Tensor shuffled() const {
    std::vector<Tensor> parts;
    for (int64_t i = 0; i < x.size(1); ++i) {
      parts.push_back(x.select(1, i).index_select(0, torch::randperm(x.size(0))));
    }
    return torch::stack(parts, 1);
  }
};

TEST_CASE("distances of columns, associations and closest rows are the golden values") {
  const auto known = golden_file("tables");
  const auto columns = columns_in(known);
  const auto a = rows_of(known["a"]), b = rows_of(known["b"]);
  CHECK_CLOSE(marginal_distances(a, b, columns),
              torch::tensor(known["marginals"].get<std::vector<double>>(), torch::kFloat64),
              kGoldenDouble);
  CHECK_CLOSE(associations(a, columns), rows_of(known["associations"]), kGoldenDouble);
  CHECK_CLOSE(closest_distances(a, b, columns),
              torch::tensor(known["closest"].get<std::vector<double>>(), torch::kFloat64),
              kGoldenFloat);
}

TEST_CASE("equal tables differ in nothing; shuffled columns keep marginals and lose associations") {
  const Correlated t(500);
  CHECK(marginal_distances(t.x, t.x, t.columns).abs().max().item<double>() == 0);
  CHECK(closest_distances(t.x, t.x, t.columns).max().item<double>() == 0);
  const auto shuffled = t.shuffled();
  CHECK(marginal_distances(shuffled, t.x, t.columns).abs().max().item<double>() == 0);
  const auto before = associations(t.x, t.columns), after = associations(shuffled, t.columns);
  CHECK(before[2][0].item<double>() < -0.95);
  CHECK(before[1][0].item<double>() > 0.8);
  CHECK((after - torch::eye(3)).abs().max().item<double>() < 0.2);
  CHECK(closest_distances(shuffled, t.x, t.columns).median().item<double>() > 0.01);
}

TEST_CASE("copies lie at 0, a missing cell says nothing, other classes lie at 1") {
  const std::vector<Column> columns{column_of("real", 0), column_of("category", 3),
                                    column_of("ordinal", 3)};
  const auto known = torch::tensor({{0.f, 1.f, 0.f}, {10.f, 2.f, 2.f}, {4.f, NAN, 1.f}});
  const auto rows = torch::tensor(
      {{10.f, 2.f, 2.f}, {5.f, 0.f, 2.f}, {NAN, 1.f, NAN}, {4.f, 0.f, 1.f}, {NAN, NAN, NAN}});
  // The second: (0.5 + 1 + 0) / 3 to the second row, (0.1 + 0.5) / 2 to the third.
  CHECK_CLOSE(closest_distances(rows, known, columns),
              torch::tensor({0.0, 0.3, 0.0, 0.0, 1.0}, torch::kFloat64), kGoldenFloat);
}

TEST_CASE("columns without a known cell, and constant ones, have finite figures") {
  const std::vector<Column> columns{column_of("real", 0), column_of("binary", 2),
                                    column_of("real", 0)};
  const auto none = torch::full({4, 3}, NAN), ones = torch::ones({4, 3});
  CHECK(marginal_distances(none, none, columns).sum().item<double>() == 0);
  CHECK(marginal_distances(none, ones, columns).sum().item<double>() == 3);
  CHECK(associations(ones, columns).equal(torch::eye(3, torch::kFloat64)));
  CHECK(associations(none, columns).equal(torch::eye(3, torch::kFloat64)));
  CHECK(table_features(none, none, columns, 1).sizes() == torch::IntArrayRef({4, 0}));
  CHECK(table_features(ones, ones, columns, 0).sum().item<double>() == 4);
}

/// A short run on a table, and the figures of its metrics.
Json judged_table(const std::string& data, const Json& options, const std::string& names) {
  const TempFolder folder;
  TrainRequest request;
  request.data = data;
  request.data_options = options;
  request.train_options = {{"steps", 300}, {"batch", 100}};
  const auto plan = plan_training(request);
  auto run = std::make_shared<Run>(Run::create(folder.at("run"), plan.facts, plan.schemas, false));
  fit(*run, {}, plan.data);
  JudgeOptions how;
  how.judged = 400;
  Subject subject(run->load(), run, run->held_out(nullptr), how);
  return measure(subject, names, [](double) {});
}

TEST_CASE("a run on a table is compared with its data, one on pictures is not") {
  const auto found =
      judged_table("builtin:census", {{"rows", 2000}},
                   "table_marginals,table_associations,table_training,table_privacy")["metrics"];
  const auto& marginals = found["table_marginals"];
  CHECK(marginals["columns"].size() == 10);
  CHECK(marginals["real_mean"].get<double>() < 0.1);
  CHECK(marginals["mean"].get<double>() < 0.3);
  CHECK(marginals["worst"].get<double>() >= marginals["mean"].get<double>());
  CHECK(found["table_associations"]["real_mean"].get<double>() < 0.1);
  const auto& training = found["table_training"];
  // Married or not, and the others, can be told in part from the other columns.
  CHECK(training["real"].get<double>() > 0.4);
  CHECK(training["lost"].get<double>() > -0.05);
  CHECK(training["lost"].get<double>() <= training["most_lost"].get<double>());
  const auto& privacy = found["table_privacy"];
  CHECK(privacy["synthetic_copies"].get<double>() < 0.02);
  CHECK(privacy["held_out_fifth"].get<double>() <= privacy["held_out_median"].get<double>());
  CHECK(privacy["protocol"]["training_rows"].get<int64_t>() < 2000);
  // The curves pass through the figures.
  const auto curves = chart_from_json(privacy["charts"][0]).lines;
  CHECK(curves[0].y[25] == doctest::Approx(privacy["synthetic_median"].get<double>()));
  CHECK(curves[1].name == "held out");
  CHECK(std::is_sorted(curves[1].y.begin(), curves[1].y.end()));
  CHECK(chart_from_json(marginals["charts"][0]).names.size() == 10);
  CHECK(error_of([] {
          judged_table("builtin:codes", {{"rows", 200}}, "table_privacy");
        }).find("table_privacy: needs table, which these data lack") != std::string::npos);
}

TEST_CASE("a run on a table has the field's measures of synthetic rows") {
  const auto found =
      judged_table("builtin:census", {{"rows", 2000}},
                   "table_shape,table_trend,table_dcr,table_alpha_precision")["metrics"];
  const auto& shape = found["table_shape"];
  CHECK(shape["columns"].size() == 10);
  CHECK(shape["real"].get<double>() > 0.9);
  CHECK(shape["shape"].get<double>() > 0.7);
  CHECK(shape["worst"].get<double>() <= shape["shape"].get<double>());
  CHECK(shape["protocol"]["samples"] == shape["protocol"]["training_rows"]);
  const auto& trend = found["table_trend"];
  CHECK(trend["pairs"].size() == 45);
  CHECK(trend["pairs"][0]["synthetic"].get<double>() == trend["worst"].get<double>());
  CHECK(trend["worst_pairs"].get<std::string>().find(trend["pairs"][0]["name"]) == 0);
  CHECK(trend["real"].get<double>() > 0.8);
  CHECK(trend["rank_correlation"].get<double>() > 0.85);
  const auto& records = found["table_dcr"];
  CHECK(records["nearer_to_train"].get<double>() == doctest::Approx(0.5).epsilon(0.2));
  CHECK(records["synthetic_copies"].get<double>() < 0.02);
  CHECK(records["protocol"]["compared_rows"].get<int64_t>() <= 400);
  CHECK(found["table_alpha_precision"]["alpha_precision"].get<double>() > 0.6);
  CHECK(found["table_alpha_precision"]["beta_recall"].get<double>() < 1);
}

TEST_CASE("rows made for a label are judged by what tells it") {
  const TempFolder folder;
  const RandomScope scope(3);
  const auto x = torch::randn({1500});
  std::string text = "x,noise,sign\n";
  for (int64_t i = 0; i < x.size(0); ++i) {
    const double value = x[i].item<double>();
    text += std::to_string(value) + "," + std::to_string(i % 97 / 7.0) +
            (value > 0 ? ",plus\n" : ",minus\n");
  }
  const auto all = judged_table(folder.file("a.csv", text),
                                {{"condition", "label"}, {"reader", {{"types", "sign=label"}}}},
                                "table_training,table_shape")["metrics"];
  const auto& shapes = all["table_shape"]["columns"];
  CHECK(shapes.size() == 3);
  CHECK(shapes[2]["name"] == "label");
  CHECK(shapes[2]["synthetic"] == 1);  // rows are drawn for the labels of training rows
  const auto& found = all["table_training"];
  CHECK(found["columns"].size() == 1);
  CHECK(found["columns"][0]["name"] == "label");
  CHECK(found["real"].get<double>() > 0.95);
  CHECK(found["synthetic"].get<double>() > 0.8);
}

}  // namespace
}  // namespace elbo

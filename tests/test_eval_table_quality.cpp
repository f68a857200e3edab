#include "elbo/eval/compared_rows.h"
#include "elbo/eval/record_distance.h"
#include "elbo/eval/table_judge.h"
#include "elbo/eval/table_quality.h"
#include "golden_tables.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

/// SDMetrics' definitions as pandas and SciPy compute them.
constexpr double kQuality = 1e-6;

void check_golden(const Tensor& found, const Tensor& known) {
  CHECK(found.isnan().equal(known.isnan()));
  CHECK_CLOSE(found.nan_to_num(0), known.nan_to_num(0), kQuality);
}

TEST_CASE("shapes and trends are the golden values") {
  const auto known = golden_file("quality");
  const auto columns = raw_columns(columns_in(known));
  const auto a = rows_of(known["a"]), b = rows_of(known["b"]);
  check_golden(column_shapes(a, b, columns),
               torch::tensor(known["shapes"].get<std::vector<double>>(), torch::kFloat64));
  check_golden(pair_trends(a, b, columns), rows_of(known["trends"]));
  check_golden(number_trends(a, b, columns, Correlation::kSpearman), rows_of(known["rank_trends"]));
  const auto related = related_pairs(a, columns);
  for (int64_t i = 0; i < related.size(0); ++i) {
    for (int64_t j = 0; j < related.size(1); ++j) {
      const bool expected = known["related"][static_cast<size_t>(i)][static_cast<size_t>(j)];
      CHECK(related[i][j].item<bool>() == expected);
    }
  }
}

TEST_CASE("distances to records, alpha-precision and beta-recall are the golden values") {
  const auto known = golden_file("quality");
  const auto columns = raw_columns(columns_in(known));
  const auto a = rows_of(known["a"]), b = rows_of(known["b"]), c = rows_of(known["c"]);
  const auto to_train = record_distances(b, a, a, columns);
  const auto to_held_out = record_distances(b, c, a, columns);
  check_golden(to_held_out,
               torch::tensor(known["records"].get<std::vector<double>>(), torch::kFloat64));
  CHECK(share_nearer(to_train, to_held_out) == doctest::Approx(known["nearer"].get<double>()));
  CHECK(record_distances(a, a, a, columns).max().item<double>() == 0);
  const auto shares = typical_shares(rows_of(known["points"]), rows_of(known["others"]));
  CHECK(std::abs(shares.alpha_precision - known["alpha_precision"].get<double>()) < kQuality);
  CHECK(std::abs(shares.beta_recall - known["beta_recall"].get<double>()) < kQuality);
}

TEST_CASE("equal tables agree in everything, shuffled columns in their shapes alone") {
  const RandomScope scope(5);
  const auto a = torch::randn({400}, torch::kFloat64);
  const auto x =
      torch::stack({a, a * 2 + 0.1 * torch::randn({400}), (a > 0).to(torch::kFloat64)}, 1);
  auto shuffled = x.clone();
  shuffled.select(1, 0).copy_(a.index_select(0, torch::randperm(400)));
  const std::vector<Column> columns{column_of("real", 0), column_of("real", 0),
                                    column_of("binary", 2)};
  CHECK(column_shapes(x, x, columns).min().item<double>() == 1);
  CHECK(column_shapes(x, shuffled, columns).min().item<double>() == 1);
  CHECK(pair_trends(x, x, columns)[1][0].item<double>() == 1);
  const auto lost = pair_trends(x, shuffled, columns);
  CHECK(lost[1][0].item<double>() < 0.6);
  CHECK(lost[2][0].item<double>() < 0.6);
  CHECK(lost[2][1].item<double>() == 1);
}

TEST_CASE("a row of holes changes no correlation") {
  const RandomScope scope(6);
  const auto real = torch::randn({50, 4}, torch::kFloat64).cumsum(1);
  const auto synthetic = torch::randn({40, 4}, torch::kFloat64).round();
  const auto with_holes = [](const Tensor& x) {
    return torch::cat({x, torch::full({1, x.size(1)}, NAN, torch::kFloat64)});
  };
  const std::vector<Column> columns(4, column_of("real", 0));
  for (const auto by : {Correlation::kPearson, Correlation::kSpearman}) {
    check_golden(number_trends(with_holes(real), with_holes(synthetic), columns, by),
                 number_trends(real, synthetic, columns, by));
  }
  CHECK(related_pairs(real, columns).equal(related_pairs(with_holes(real), columns)));
}

TEST_CASE("classes too many for a table of counts are compared all the same") {
  const std::vector<Column> columns{column_of("category", 3000), column_of("category", 3000)};
  const auto places = torch::arange(3000, torch::kFloat64);
  const auto x = torch::stack({places, places}, 1), half = x.clone();
  half.select(1, 1).narrow(0, 0, 1500).add_(1500);
  CHECK(pair_trends(x, x, columns)[1][0].item<double>() == 1);
  CHECK(pair_trends(x, half, columns)[1][0].item<double>() == doctest::Approx(0.5));
}

TEST_CASE("raw cells are the numbers of the file") {
  auto price = column_of("real", 0), grade = column_of("ordinal", 3),
       word = column_of("ordinal", 2);
  price.decimals = 1;
  price.origin = 1e9;
  grade.classes = {"3", "5", "10"};
  word.classes = {"low", "high"};
  const std::vector<Column> columns{price, grade, word};
  const auto raw = raw_cells(torch::tensor({{0.1f, 2.f, 1.f}, {NAN, NAN, NAN}}), columns);
  CHECK(raw[0][0].item<double>() == 1000000000.1);
  CHECK(raw[0][1].item<double>() == 10);
  CHECK(raw[0][2].item<double>() == 1);
  CHECK(raw[1].isnan().all().item<bool>());
  auto day = column_of("date", 0), minute = day;
  day.origin = minute.origin = 86400.0 * 9000;
  day.format = "%Y-%m-%d";
  minute.format = "%Y-%m-%d %H:%M";
  // float32 keeps these numbers to 16 seconds.
  const auto times = raw_cells(torch::tensor({{4e8f - 8, 4e8f + 16}}), {day, minute});
  CHECK(times[0][0].item<double>() == 86400.0 * (9000 + 4630));
  CHECK(std::fmod(times[0][1].item<double>(), 60) == 0);
  CHECK(is_number(grade));
  CHECK(!is_number(word));
  // The number, the grade's value, both words.
  const auto features = tree_features(torch::tensor({{0.1f, 2.f, 1.f}}), columns);
  CHECK_CLOSE(features.x, torch::tensor({{0.1f, 10.f, 0.f, 1.f}}), kGoldenFloat);
  CHECK(features.column == std::vector<int64_t>{0, 1, 2, 2});
  CHECK(tree_features(raw.narrow(0, 1, 1), columns).x.size(1) == 5);
}

}  // namespace
}  // namespace elbo

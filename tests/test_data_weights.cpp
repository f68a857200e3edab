#include <doctest/doctest.h>

#include <map>

#include "elbo/data/block_order.h"
#include "elbo/data/hidden_cells.h"
#include "elbo/data/reader.h"
#include "elbo/data/rows.h"

namespace elbo {
namespace {

class Weighed : public DataAround {
 public:
  Weighed(Data data, Tensor weights) : DataAround(std::move(data)), weights_(std::move(weights)) {}
  Tensor weights() const override { return weights_; }

 private:
  Tensor weights_;
};

Data rows_of_numbers(int64_t rows, int64_t columns) {
  const auto x = torch::arange(rows * columns, torch::kFloat32).view({rows, columns});
  return in_memory({x, {}, {}, {}, {}, {}, {real_schema(x), {}, {}}, {}});
}

std::map<int64_t, int64_t> counts_of(const std::vector<int64_t>& rows) {
  std::map<int64_t, int64_t> counts;
  for (const auto row : rows) ++counts[row];
  return counts;
}

TEST_CASE("a row comes as often as its weight asks for, rounded up or down, and never for none") {
  const auto weights = torch::tensor({1.5, 0.0, 4.0, 0.5, 2.0, 0.0}, torch::kFloat64);  // mean 4/3
  std::map<int64_t, double> mean;
  constexpr int kTries = 4000;
  for (uint64_t key = 0; key < kTries; ++key) {
    const auto rows = rows_by_weight(weights, key);
    REQUIRE(rows.size() == 6);
    CHECK(std::is_sorted(rows.begin(), rows.end()));
    for (const auto& [row, count] : counts_of(rows)) {
      const double wanted = weights[row].item<double>() * 0.75;
      CHECK(wanted > 0);
      CHECK(std::abs(static_cast<double>(count) - wanted) < 1);
      mean[row] += static_cast<double>(count) / kTries;
    }
  }
  // Four deviations of a share of 4,000 draws.
  for (const int64_t row : {0, 2, 3, 4}) {
    CHECK(mean[row] == doctest::Approx(weights[row].item<double>() * 0.75).epsilon(0.1));
  }
}

TEST_CASE("whole weights that divide evenly are exact: an epoch repeats the rows") {
  const auto data = std::make_shared<Weighed>(rows_of_numbers(4, 2),
                                              torch::tensor({3.0, 0.0, 1.0, 0.0}, torch::kFloat64));
  const auto counts = counts_of(epoch_order(*data, 7));
  CHECK(counts == std::map<int64_t, int64_t>{{0, 3}, {2, 1}});
  const auto counted = counted_rows(data, 7);
  CHECK(counted->size() == 4);
  CHECK_FALSE(counted->weights().defined());
  const auto x = counted->get(torch::arange(4)).x;
  CHECK(x.select(1, 0).sum().item<float>() == 4);
  CHECK_THROWS_WITH(rows_by_weight(torch::zeros({3}), 0),
                    "[data] weights: their sum is 0, it must be positive");
}

TEST_CASE("weights follow their rows through subsets and put-together parts") {
  const auto weights = torch::tensor({1.0, 2.0, 3.0}, torch::kFloat64);
  const Data data = std::make_shared<Weighed>(rows_of_numbers(3, 2), weights);
  CHECK(subset(data, {2, 0})->weights().equal(torch::tensor({3.0, 1.0}, torch::kFloat64)));
  const auto both = concat({data, rows_of_numbers(2, 2)});
  CHECK(both->weights().equal(torch::tensor({1.0, 2.0, 3.0, 1.0, 1.0}, torch::kFloat64)));
  CHECK_FALSE(rows_of_numbers(3, 2)->weights().defined());
}

TEST_CASE("cells are hidden in epochs alone, the same ones for the same row") {
  const auto data = with_hidden_cells(rows_of_numbers(2000, 10), 0.25);
  CHECK(data->schemas().x.missing());
  const auto all = torch::arange(2000);
  CHECK(data->get(all).mask.eq(1).all().item<bool>());
  const Draw draw{3, 1};
  const auto mask = data->get(all, draw).mask;
  CHECK(data->get(all.narrow(0, 500, 100), draw).mask.equal(mask.narrow(0, 500, 100)));
  CHECK_FALSE(data->get(all, {3, 2}).mask.equal(mask));
  // Half of the rows hide a share from 0 to 1 of their cells.
  CHECK(mask.mean().item<double>() == doctest::Approx(0.75).epsilon(0.03));
  const auto whole = mask.all(1).to(torch::kFloat32).mean().item<double>();
  CHECK(whole == doctest::Approx(0.5 + 0.5 / 11).epsilon(0.08));
}

}  // namespace
}  // namespace elbo

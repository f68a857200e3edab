#include <cmath>
#include <sstream>

#include "elbo/data/open.h"
#include "elbo/model/density.h"
#include "files.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

Data rows_of(const Tensor& x) {
  Arrays arrays;
  arrays.x = x.to(torch::kFloat32);
  arrays.schemas.x = {{x.size(1)}, Kind::kReal, Json::object()};
  return in_memory(arrays);
}
Batch rows_as_batch(const Tensor& x) {
  Batch batch;
  batch.x = x.to(torch::kFloat32);
  return batch;
}
std::shared_ptr<Density> fitted(const Json& declaration, const Data& data) {
  auto density = densities().make(data->schemas().x, declaration);
  density->see(*data);
  return density;
}
/// Two clouds, correlated columns.
Tensor clouds(int64_t n, uint64_t seed) {
  RandomScope scope(seed);
  const auto side = torch::randint(0, 2, {n, 1}).to(torch::kFloat64) * 6 - 3;
  const auto common = torch::randn({n, 1}, torch::kFloat64);
  return side + common + 0.3 * torch::randn({n, 2}, torch::kFloat64);
}

TEST_CASE("kernels around rows are a density: of one column its integral is 1") {
  const auto x = clouds(300, 1).narrow(1, 0, 1);
  const auto density = fitted({{"type", "neighbours"}, {"scale", "standard"}}, rows_of(x));
  constexpr int64_t kSteps = 20001;
  const auto grid = torch::linspace(-30, 30, kSteps, torch::kFloat64).unsqueeze(1);
  const auto p = (-density->surprise(rows_as_batch(grid), false)).exp();
  const double step = 60.0 / (kSteps - 1) / x.std(0, false).item<double>();
  CHECK_CLOSE(p.sum().item<double>() * step, 1.0, kIntegral);
}

TEST_CASE("a row that was seen is judged by the others") {
  const auto x = clouds(50, 2);
  const auto density = fitted({{"type", "neighbours"}, {"scale", "standard"}}, rows_of(x));
  const auto own = density->surprise(rows_as_batch(x), false),
             others = density->surprise(rows_as_batch(x), true);
  CHECK((others > own).all().item<bool>());
  const auto fresh = clouds(50, 3);
  CHECK_CLOSE(density->surprise(rows_as_batch(fresh), true),
              density->surprise(rows_as_batch(fresh), false), kFloatSums);
}

TEST_CASE("on ranks a monotone change of a column changes nothing") {
  const auto x = clouds(200, 4), bent = (x / 2).exp();
  const auto plain = fitted("neighbours", rows_of(x)), other = fitted("neighbours", rows_of(bent));
  CHECK_CLOSE(plain->surprise(rows_as_batch(x), true), other->surprise(rows_as_batch(bent), true),
              kFloatSums);
}

TEST_CASE("beyond what training has seen the ranks go on: further is more surprising") {
  const auto density = fitted("neighbours", rows_of(clouds(200, 5)));
  const auto far = torch::tensor({{10.0, 10.0}, {20.0, 20.0}, {60.0, 60.0}}, torch::kFloat64);
  const auto s = density->surprise(rows_as_batch(far), false);
  CHECK((s.diff() > 1).all().item<bool>());
}

TEST_CASE("a mixture of normals chooses two for two clouds and comes near their entropy") {
  const auto x = clouds(2000, 6);
  const auto density = fitted({{"type", "gaussians"}, {"components", 3}}, rows_of(x));
  const auto fresh = clouds(4000, 7);
  // ln 2, and of each cloud with covariance 1.09, 1 in standard units.
  const double deviation = x.std(0, false).prod().log().item<double>();
  const double entropy =
      std::log(2.0) + std::log(2 * M_PI) + 1 + 0.5 * std::log(1.09 * 1.09 - 1) - deviation;
  const double found = density->surprise(rows_as_batch(fresh), false).mean().item<double>();
  CHECK(found > entropy - 0.1);
  CHECK(found < entropy + 0.15);
}

TEST_CASE("classes: the kernels of a column sum to 1, missing cells say nothing") {
  const TempFolder folder;
  std::ostringstream file;
  file << "a,b\n";
  for (int i = 0; i < 120; ++i) {
    const bool red = i % 3 == 0;
    file << (red          ? "red"
             : i % 3 == 1 ? "green"
                          : "blue")
         << ',' << (red ? i % 7 : 50 + i % 7) << '\n';
  }
  const auto data = open_data(folder.file("t.csv", file.str()), {});
  for (const char* name : {"neighbours", "gaussians"}) {
    CAPTURE(name);
    const auto density = fitted(name, data);
    auto batch = data->get(torch::tensor({0, 1}));
    const auto usual = density->surprise(batch, true);
    batch.x = batch.x.clone();
    batch.x.select(1, 0).copy_(batch.x.select(1, 0).flip(0));  // red with the numbers of green
    CHECK((density->surprise(batch, true) > usual + 1).all().item<bool>());
  }
  const auto kernels = fitted("neighbours", data);
  auto batch = data->get(torch::tensor({0, 0, 0}));
  batch.x = batch.x.clone();
  batch.x.select(1, 0).copy_(torch::arange(3));
  batch.mask = torch::ones_like(batch.x);
  batch.mask.select(1, 1).zero_();
  CHECK_CLOSE((-kernels->surprise(batch, false)).exp().sum().item<double>(), 1.0, kFloatSums);
}

/// Two classes that go together but for one row in a hundred, and a number that they say nothing
/// of.
Data classes_together(int64_t rows, uint64_t seed) {
  const TempFolder folder;
  std::ostringstream file;
  file << "role,sex,age\n";
  RandomScope scope(seed);
  const auto role = torch::randint(0, 2, {rows}), rare = torch::randint(0, 100, {rows}),
             age = torch::randint(20, 90, {rows});
  for (int64_t i = 0; i < rows; ++i) {
    const bool wife = role[i].item<int64_t>() == 1, other = rare[i].item<int64_t>() == 0;
    file << (wife ? "wife" : "husband") << ',' << (wife != other ? "female" : "male") << ','
         << age[i].item<int64_t>() << '\n';
  }
  return open_data(folder.file("t.csv", file.str()), {});
}

TEST_CASE(
    "pairs: how much rarer than independent is 1 on average, and names what never goes together") {
  const auto data = classes_together(4000, 8);
  const auto density = fitted("pairs", data);
  const auto all = classes_together(4000, 9)->get(torch::arange(4000));
  // An e-value: its mean over fresh rows is 1, but for counts that are smoothed.
  CHECK(std::abs(density->surprise(all, false).exp().mean().item<double>() - 1) < 0.1);
  auto odd = data->get(torch::arange(200));
  odd.x = odd.x.clone();
  const auto usual = density->surprise(odd, false).median().item<double>();
  odd.x.select(1, 1).copy_(1 - odd.x.select(1, 0));
  const auto first = density->surprise(odd, false);
  odd.x.select(1, 1).copy_(odd.x.select(1, 0));
  const auto second = density->surprise(odd, false);
  // One of the two puts each role beside the sex that it does not have: 50 times rarer, in one of
  // three pairs.
  const auto broken = torch::maximum(first, second), whole = torch::minimum(first, second);
  CHECK((broken > 2).all().item<bool>());
  CHECK((whole < usual + 1).all().item<bool>());
}

TEST_CASE(
    "pairs: a row that was seen is judged by the others, cells that are missing say nothing") {
  const auto data = classes_together(60, 10);
  const auto density = fitted("pairs", data);
  auto rows = data->get(torch::arange(60));
  CHECK((density->surprise(rows, true) > density->surprise(rows, false)).all().item<bool>());
  rows.mask = torch::zeros_like(rows.x);
  CHECK(density->surprise(rows, false).abs().max().item<double>() == 0);
  rows.mask.select(1, 0).fill_(1);
  CHECK(density->surprise(rows, false).abs().max().item<double>() == 0);
}

TEST_CASE("pairs: of many columns those that tell most of each other are kept") {
  RandomScope scope(11);
  auto x = torch::randn({400, 12}, torch::kFloat64);
  x.select(1, 7).copy_(x.select(1, 2));
  const auto density = fitted({{"type", "pairs"}, {"pairs", 1}, {"states", 4}}, rows_of(x));
  auto apart = x.clone();
  apart.select(1, 7).neg_();
  const auto usual = density->surprise(rows_as_batch(x), false),
             odd = density->surprise(rows_as_batch(apart), false);
  CHECK((usual < 0).all().item<bool>());
  // But for numbers so near to 0 that their negative is in the same range.
  CHECK((odd > 3).to(torch::kFloat64).mean().item<double>() > 0.95);
  const auto alone = fitted("pairs", rows_of(x.narrow(1, 0, 1)));
  CHECK(alone->surprise(rows_as_batch(x.narrow(1, 0, 1)), true).abs().max().item<double>() == 0);
}

TEST_CASE("a spec's densities are checked by name and bounded by the rows") {
  const auto resolved = resolve_densities({"gaussians", {{"type", "neighbours"}, {"rows", 500}}});
  CHECK(bounded_densities(resolved, 80)[1]["rows"] == 80);
  CHECK(bounded_densities(resolved, 8000)[1]["rows"] == 500);
  CHECK(error_of([] { resolve_densities({"neighbors"}); }).find("did you mean") !=
        std::string::npos);
  CHECK(error_of([] { resolve_densities("neighbours"); }).find("expected a list") !=
        std::string::npos);
}

}  // namespace
}  // namespace elbo

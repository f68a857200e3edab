#include <cmath>

#include "elbo/data/dataset.h"
#include "elbo/data/open.h"
#include "elbo/data/windows.h"
#include "elbo/io/row_file.h"
#include "files.h"
#include "near.h"
#include "open_with.h"
#include "tolerance.h"

namespace elbo {
namespace {

Data open_series(const std::string& path, const Json& reader = Json::object(),
                 std::shared_ptr<const Schemas> like = nullptr) {
  return open_with("series:" + path, reader, std::move(like));
}

/// Two columns of 40 steps, a second apart but for a pause of a minute before step 25.
std::string text_series() {
  std::string text = "time,a,b,fault\n";
  for (int i = 0; i < 40; ++i) {
    const int second = i < 25 ? i : i + 10;
    text += "2024-01-01 00:" + std::string(i < 25 ? "00:" : "01:") + (second < 10 ? "0" : "") +
            std::to_string(second) + "," + std::to_string(i % 3) + "," +
            (i == 7 ? "" : std::to_string(i % 5)) + "," + (i > 30 ? "1" : "0") + "\n";
  }
  return text;
}

TEST_CASE("windows are steps in a row, named and labelled by their last") {
  const TempFolder folder;
  const auto path = folder.file("s.csv", text_series());
  const auto data = open_series(path, {{"types", "fault=label"}, {"window", 4}});
  CHECK(data->size() == (25 - 3) + (15 - 3));  // none spans the pause
  CHECK(data->schemas().x.shape == Shape{4, 2});
  CHECK(data->row_name(0) == "2024-01-01 00:00:03");
  CHECK(data->row_name(22) == "2024-01-01 00:01:38");
  const auto batch = data->get(torch::tensor({0, 22, 33}));
  const auto a = batch.x.select(2, 0);
  CHECK(a[0].equal(torch::tensor({0.f, 1.f, 2.f, 0.f})));
  CHECK(a[1].equal(torch::tensor({1.f, 2.f, 0.f, 1.f})));
  CHECK(batch.y.equal(torch::tensor({0, 0, 1})));
  CHECK(data->schemas().x.detail["notes"][0].get<std::string>() ==
        "1 gap in time, the longest of 71 s where 1 s are usual");
}

TEST_CASE("a missing cell of a series is masked in each window that holds it") {
  const TempFolder folder;
  const auto path = folder.file("s.csv", text_series());
  const auto data = open_series(path, {{"types", "fault=ignore"}, {"window", 4}});
  const auto mask = data->get(torch::tensor({3, 4, 7, 8})).mask;
  REQUIRE(mask.defined());
  CHECK(mask.sum({1, 2}).equal(torch::tensor({8.f, 7.f, 7.f, 8.f})));
  CHECK(mask[1][3][1].item<float>() == 0);
}

TEST_CASE("columns that wander are read as changes, as the model learned it") {
  const TempFolder folder;
  RandomScope scope(4);
  const auto noise = torch::randn({200});
  const auto walk = torch::randn({200}).cumsum(0);
  std::string text = "noise,walk\n";
  for (int64_t i = 0; i < 200; ++i) {
    text +=
        std::to_string(noise[i].item<float>()) + "," + std::to_string(walk[i].item<float>()) + "\n";
  }
  const auto path = folder.file("s.csv", text);
  const auto data = open_series(path);
  const auto schema = data->schemas().x;
  CHECK(schema.detail["columns"] == Json({"noise", "change of walk"}));
  CHECK(schema.shape == Shape{2});
  const auto x = data->get(torch::arange(200)).x;
  CHECK_CLOSE(x.select(1, 0), noise, kPrintedFloats);
  CHECK_CLOSE(x.select(1, 1).narrow(0, 1, 199), walk.narrow(0, 1, 199) - walk.narrow(0, 0, 199),
              kPrintedFloats);
  CHECK(x[0][1].item<float>() == 0);
  // Another file alone would look stationary.
  const auto calm = folder.file("calm.csv", "noise,walk\n0,1\n1,1\n0,3\n1,3\n");
  const auto like = std::make_shared<const Schemas>(data->schemas());
  CHECK(open_series(calm, Json::object(), like)
            ->get(torch::arange(4))
            .x.select(1, 1)
            .equal(torch::tensor({0.f, 0.f, 2.f, 0.f})));
  const auto plain = open_series(path, {{"changes", "none"}});
  CHECK_CLOSE(plain->get(torch::arange(200)).x.select(1, 1), walk, kPrintedFloats);
}

TEST_CASE("telemetry is normal where it trains and has faults of every kind where it is judged") {
  DataOptions options;
  const auto train = open_data("builtin:telemetry", options);
  options.split = "test";
  const auto test = open_data("builtin:telemetry", options);
  const auto classes = static_cast<int64_t>(test->schemas().y.detail["classes"].size());
  const auto y = test->get(torch::arange(test->size())).y;
  CHECK((train->get(torch::arange(train->size())).y == 0).all().item<bool>());
  CHECK((torch::bincount(y, Tensor(), classes) > 100).all().item<bool>());
  // A fault hides within the range that its column has in normal times: only a sum tells it.
  const auto normal = train->get(torch::arange(train->size())).x;
  const auto wrong_sign = test->get((y == 5).nonzero().flatten()).x.select(1, 5);
  const auto pressure = normal.select(1, 5);
  const auto inside = (wrong_sign > pressure.min()).logical_and(wrong_sign < pressure.max());
  CHECK(inside.to(torch::kFloat64).mean().item<double>() > 0.9);
}

TEST_CASE("an array's numbers are read as real columns where somebody says so, or the model was") {
  const TempFolder folder;
  const auto path = folder.at("x.npy");
  const auto file = create_row_file(path, {20, {3}, false, {}});
  file->append(torch::rand({20, 3}));
  file->commit();
  DataOptions options;
  CHECK(open_data(path, options)->schemas().x.kind == Kind::kUnit);
  options.reader = {{"kind", "real"}};
  const auto real = open_data(path, options);
  CHECK(real->schemas().x.kind == Kind::kReal);
  options.reader = Json::object();
  options.like = std::make_shared<const Schemas>(real->schemas());
  CHECK(open_data(path, options)->schemas().x.kind == Kind::kReal);
}

TEST_CASE("windows of another length than the model reads are refused") {
  const TempFolder folder;
  const auto path = folder.file("s.csv", text_series());
  const Json four{{"types", "fault=label"}, {"window", 4}};
  const auto like = std::make_shared<const Schemas>(open_series(path, four)->schemas());
  CHECK(open_series(path, four, like)->schemas().x.shape == Shape{4, 2});
  for (const int window : {1, 3}) {
    const Json other{{"types", "fault=label"}, {"window", window}};
    CHECK(error_of([&] { open_series(path, other, like); }).find("the model reads 4x2") !=
          std::string::npos);
  }
}

TEST_CASE("a series that cannot be read says why") {
  const TempFolder folder;
  const auto refused = [&](const std::string& text, const Json& options = Json::object()) {
    return error_of([&] { open_series(folder.file("x.csv", text), options); });
  };
  CHECK(refused("a,b\n1,x\n").find("column 2 \"b\": \"x\" is not a number") != std::string::npos);
  CHECK(refused("a\n1\n2\n", {{"window", 3}}).find("no 3 steps without a gap among 2") !=
        std::string::npos);
  CHECK(refused("t,a\n2024-01-02,1\n2024-01-01,2\n2024-01-03,2\n").find("earlier than the one") !=
        std::string::npos);
  CHECK(refused("a\n1\n", {{"types", "b=label"}}).find("no such column") != std::string::npos);
  CHECK(refused("a,b\n1,2\n", {{"types", "a=ignore,b=ignore"}}).find("no column of numbers") !=
        std::string::npos);
}

}  // namespace
}  // namespace elbo

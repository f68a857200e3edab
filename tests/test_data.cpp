#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include "elbo/data/dataset.h"
#include "elbo/data/open.h"
#include "files.h"
#include "tolerance.h"

namespace elbo {
namespace {

Arrays byte_rows(int64_t rows) {
  torch::manual_seed(4);
  Arrays a;
  a.x = torch::randint(0, 256, {rows, 1, 9, 7}, torch::kUInt8);
  a.y = torch::arange(rows, torch::kInt64) % 3;
  a.schemas.x = {{1, 9, 7}, Kind::kByte, Json::object()};
  a.schemas.y = {{}, Kind::kCategory, {{"classes", {"a", "b", "c"}}}};
  return a;
}

Tensor numbers(std::vector<int64_t> rows) { return torch::tensor(rows, torch::kInt64); }

TEST_CASE("rows in memory come in the order asked for, bytes as shares of 255") {
  const auto a = byte_rows(50);
  const auto data = in_memory(a);
  const auto rows = numbers({7, 0, 49, 7});
  const auto batch = data->get(rows);
  CHECK((batch.x.scalar_type() == torch::kFloat32));
  CHECK(torch::equal(batch.x, a.x.index_select(0, rows).to(torch::kFloat32) / 255));
  CHECK(torch::equal(batch.y, a.y.index_select(0, rows)));
  CHECK(!batch.mask.defined());
  CHECK((data->get(numbers({})).x.sizes() == torch::IntArrayRef({0, 1, 9, 7})));
  CHECK(error_of([&] { data->get(numbers({50})); }).find("row 50") != std::string::npos);
  CHECK_THROWS_AS(data->get(numbers({-1})), Error);
  CHECK_THROWS_AS(data->get(torch::zeros(2)), Error);
  for (auto type : {torch::kBool, torch::kInt8, torch::kInt16, torch::kInt32, torch::kInt64,
                    torch::kFloat32, torch::kFloat64}) {
    Arrays other;
    other.x = torch::randint(0, 2, {6, 3}).to(type);
    other.schemas.x = {{3}, Kind::kReal, Json::object()};
    CHECK(torch::equal(in_memory(other)->get(numbers({5, 2})).x,
                       other.x.to(torch::kFloat32).index_select(0, numbers({5, 2}))));
  }
}

TEST_CASE("arrays that do not belong together are refused") {
  auto a = byte_rows(5);
  a.y = torch::zeros(4, torch::kInt64);
  CHECK_THROWS_AS(in_memory(a), Error);
  a = byte_rows(5);
  a.schemas.x.shape = {9, 7};
  CHECK_THROWS_AS(in_memory(a), Error);
  a = byte_rows(5);
  a.mask = torch::ones({5, 3});
  CHECK_THROWS_AS(in_memory(a), Error);
}

TEST_CASE("subset and concat are views of the same rows") {
  const auto a = byte_rows(20);
  const auto data = in_memory(a);
  const auto some = subset(data, {3, 1, 19});
  CHECK(some->size() == 3);
  CHECK(some->row_name(2) == "19");
  CHECK(torch::equal(some->get(numbers({2, 0})).x, data->get(numbers({19, 3})).x));
  CHECK_THROWS_AS(subset(data, {20}), Error);

  auto plain = byte_rows(4);
  plain.y = Tensor();
  plain.schemas.y = {};
  plain.mask = torch::zeros({4, 1, 9, 7});
  const auto both = concat({some, in_memory(plain)});
  const auto batch = both->get(numbers({4, 0, 6}));
  CHECK(torch::equal(batch.x[1], data->get(numbers({3})).x[0]));
  CHECK(torch::equal(batch.x[2], in_memory(plain)->get(numbers({3})).x[0]));
  CHECK(torch::equal(batch.y, numbers({-1, 0, -1})));
  CHECK(torch::equal(batch.mask.flatten(1).mean(1), torch::tensor({0.f, 1.f, 0.f})));
  auto wide = byte_rows(2);
  wide.x = wide.x.reshape({2, 63});
  wide.schemas.x.shape = {63};
  CHECK_THROWS_AS(concat({data, in_memory(wide)}), Error);
}

TEST_CASE("every row comes once in blocks, and hidden cells are NaN to an encoder") {
  const auto data = in_memory(byte_rows(10));
  std::vector<int64_t> firsts;
  int64_t rows = 0;
  for_each_batch(*data, 4, {}, [&](const Batch& b, int64_t first) {
    firsts.push_back(first);
    rows += b.size();
  });
  CHECK((firsts == std::vector<int64_t>{0, 4, 8}));
  CHECK(rows == 10);
  Batch batch{torch::ones({2, 2}), torch::tensor({{1.f, 0.f}, {1.f, 1.f}}), Tensor(),
              numbers({1, 2})};
  CHECK(torch::equal(observed(batch).isnan(), batch.mask == 0));
  CHECK(slice(batch, 1, 2).y.item<int64_t>() == 2);
  CHECK(!slice(batch, 1, 2).c.defined());
}

TEST_CASE("a schema is the same after JSON, and a misfit is named") {
  const Schema schema{{3}, Kind::kReal, {{"columns", {"age", "height", "weight"}}}};
  const auto again = schema_from_json(to_json(schema), "test");
  CHECK((to_json(again) == to_json(schema)));
  CHECK(!schema_from_json(to_json(Schema{}), "test").present());
  for (const auto& bad : {R"(7)", R"({"kind":"odd","shape":[]})", R"({"kind":"real"})",
                          R"({"kind":"real","shape":[-1]})", R"({"kind":"real","shape":[0.5]})",
                          R"({"kind":"real","shape":[1099511627776,1099511627776]})",
                          R"({"kind":"real","shape":[1],"x":1})"}) {
    CHECK_THROWS_AS(schema_from_json(Json::parse(bad), "test"), Error);
  }
  auto other = schema;
  other.detail["columns"][1] = "size";
  const auto text = error_of([&] { check_fits(other, schema, "new.csv"); });
  CHECK(text.find("new.csv") != std::string::npos);
  CHECK(text.find("\"size\"") != std::string::npos);
  CHECK_THROWS_AS(check_fits({{4}, Kind::kReal, Json::object()}, schema, "t"), Error);
  CHECK_THROWS_AS(check_fits({{3}, Kind::kUnit, Json::object()}, schema, "t"), Error);
  CHECK_THROWS_AS(check_fits({}, schema, "t"), Error);
  CHECK_NOTHROW(check_fits(schema, schema, "t"));
}

TEST_CASE("every kind has a name, and a schema gives what its JSON holds in types") {
  for (const auto& name : kind_names()) CHECK(to_string(kind_named(name).value()) == name);
  CHECK_FALSE(kind_named("odd").has_value());
  CHECK_FALSE(kind_named("").has_value());
  CHECK(to_string(Kind::kNone).empty());

  const Json stored = {{"kind", "real"},
                       {"shape", {2}},
                       {"detail",
                        {{"loc", {1.0, -2.0}},
                         {"scale", {2.0, 0.5}},
                         {"missing", true},
                         {"notes", {"a row is left out", 7}},
                         {"mine", {{"a", 1}}}}}};
  const auto schema = schema_from_json(stored, "t");
  CHECK(to_json(schema) == stored);
  CHECK(schema.missing());
  CHECK(schema.notes() == std::vector<std::string>{"a row is left out"});
  const auto raw = schema.units().value().out(torch::tensor({{1.0f, 1.0f}, {0.0f, -2.0f}}));
  CHECK(raw.equal(torch::tensor({{3.0f, -1.5f}, {1.0f, -3.0f}})));
  const Schema bare{{2}, Kind::kReal, Json::object()};
  CHECK_FALSE(bare.units().has_value());
  CHECK_FALSE(bare.missing());
  CHECK(bare.vocabulary().empty());
}

TEST_CASE("a row is binarized alike in any order, batch, subset and number of threads") {
  const auto data = binarized(in_memory(byte_rows(3000)), "dynamic");
  const Draw draw{5, 2};
  const auto all = data->get(torch::arange(3000, torch::kInt64), draw).x;
  CHECK(data->schemas().x.kind == Kind::kBinary);
  CHECK((data->schemas().x.detail["binarize"] == "dynamic"));
  CHECK(torch::equal(all, all * all));
  const auto order = torch::randperm(3000, torch::kInt64);
  at::set_num_threads(2);
  CHECK(torch::equal(data->get(order, draw).x, all.index_select(0, order)));
  at::set_num_threads(1);
  CHECK(torch::equal(data->get(numbers({2999}), draw).x[0], all[2999]));
  CHECK(torch::equal(subset(data, {8, 9})->get(numbers({1}), draw).x[0], all[9]));
  CHECK(!torch::equal(data->get(numbers({8}), {5, 3}).x[0], all[8]));
  CHECK(!torch::equal(data->get(numbers({8}), {6, 2}).x[0], all[8]));

  // The same through decorators, with and without sight of the bytes.
  const auto raw = in_memory(byte_rows(3000));
  const auto joined = binarized(concat({subset(raw, {0, 1, 2}), subset(raw, {3, 4})}), "dynamic");
  CHECK(torch::equal(joined->get(numbers({4, 1}), draw).x, all.index_select(0, numbers({4, 1}))));
  CHECK(torch::equal(joined->get(numbers({4, 1})).y, numbers({1, 1})));
}

TEST_CASE("static draws stay, thresholds cut at one half, only bytes can be binarized") {
  const auto a = byte_rows(40);
  const auto rows = torch::arange(40, torch::kInt64);
  const auto fixed = binarized(in_memory(a), "static");
  CHECK(torch::equal(fixed->get(rows, {1, 2}).x, fixed->get(rows, {3, 4}).x));
  const auto cut = binarized(in_memory(a), "threshold")->get(rows).x;
  CHECK(torch::equal(cut, (a.x >= 128).to(torch::kFloat32)));
  const auto same = in_memory(a);
  CHECK((binarized(same, "none") == same));
  CHECK_THROWS_AS(binarized(same, "odd"), Error);
  CHECK_THROWS_AS(binarized(binarized(same, "static"), "static"), Error);
}

TEST_CASE("the frequency of ones is the byte's share of 255") {
  Arrays a;
  constexpr int64_t kRows = 4000;
  a.x = torch::arange(256, torch::kInt64).to(torch::kUInt8).expand({kRows, 256}).contiguous();
  a.schemas.x = {{256}, Kind::kByte, Json::object()};
  const auto x = binarized(in_memory(a), "dynamic")->get(torch::arange(kRows), {7, 1}).x;
  const auto p = torch::arange(256, torch::kFloat64) / 255;
  const auto error = (p * (1 - p) / kRows).sqrt();
  CHECK((x.to(torch::kFloat64).mean(0) - p).abs().le(kStandardErrors * error).all().item<bool>());
}

TEST_CASE("data are found by name, and what is wrong is said") {
  const auto message = [](const std::string& text) {
    return error_of([&] { open_data(text, {}); });
  };
  CHECK(message("").find("no path") != std::string::npos);
  CHECK(message("mnist:").find("no path") != std::string::npos);
  CHECK(message("minst:folder").find("unknown \"minst\"; known: ") != std::string::npos);
  CHECK(message("no/such.npy").find("no/such.npy: no such file") != std::string::npos);
  CHECK(message("builtin:digit").find("digits, ") != std::string::npos);
  TempFolder folder;
  CHECK(message(folder.file("a.xyz", "text")).find("not recognised") != std::string::npos);
  folder.file("run/weights.safetensors", "");
  CHECK(message(folder.at("run")).find("not recognised") != std::string::npos);
  folder.file("run/spec.json", "{}");
  CHECK(message(folder.at("run")).find("is a run") != std::string::npos);

  const auto old = std::getenv("ELBO_DATA");
  const std::string before = old ? old : "";
  folder.file("sub/a.npy", std::string("\x93NUMPY\1\0\x3d\0", 10) +
                               "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), } \n" +
                               "\1\2\3\4");
  setenv("ELBO_DATA", folder.at("").c_str(), 1);
  CHECK(open_data("sub/a.npy", {})->size() == 2);
  CHECK(open_data("arrays:sub/a.npy", {})->size() == 2);
  CHECK(message("sub/b.npy").find("ELBO_DATA=") != std::string::npos);
  old ? setenv("ELBO_DATA", before.c_str(), 1) : unsetenv("ELBO_DATA");
}

}  // namespace
}  // namespace elbo

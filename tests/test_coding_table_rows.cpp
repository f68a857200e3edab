#include <numeric>

#include "elbo/coding/column_symbols.h"
#include "elbo/coding/exact_rows.h"
#include "elbo/data/open.h"
#include "elbo/model/sees_training.h"
#include "files.h"
#include "toy.h"

// Symbols as bits, and rows of a table by exact sums.

namespace elbo {
namespace {

Json tree_spec(int64_t classes) {
  return toy_spec({{"latent", {{"type", "tree"}, {"classes", classes}, {"size", nullptr}}},
                   {"decoder", {{"type", "blocks"}, {"hidden", nullptr}, {"activation", nullptr}}},
                   {"likelihood", {{"type", "states"}, {"scale", nullptr}}}});
}

/// Mixed columns that depend on each other, some of them with holes.
std::string mixed_rows(int64_t rows, bool holes) {
  const uint64_t key = Draw{}.key("mixed rows");
  std::ostringstream csv;
  csv << "age,city,price,visits,member\n";
  const char* cities[] = {"Oslo", "Rome", "Bern"};
  for (int64_t r = 0; r < rows; ++r) {
    const auto below = [&](uint64_t n, uint64_t i) {
      return bits_at(key, static_cast<uint64_t>(r) * 8 + i) % n;
    };
    const auto city = below(3, 0);
    const bool hole = holes && below(5, 1) == 0;
    csv << 20 + below(40, 2) + 5 * city << ',' << (hole ? "" : cities[city]) << ',';
    if (holes && below(7, 6) == 0) {
      csv << "NA";
    } else {
      csv << (100 * city + below(9000, 3)) / 100 << '.' << 10 + below(90, 4);
    }
    csv << ',' << (below(2, 5) ? 0 : below(30, 6)) << ',' << (city == 1 ? "yes" : "no") << '\n';
  }
  return csv.str();
}

struct TrainedTable {
  TempFolder folder;
  Toy toy;
  explicit TrainedTable(bool holes, int64_t rows = 600)
      : toy(tree_spec(4), open_data(folder.file("t.csv", mixed_rows(rows, holes)), {})) {
    show_training(*toy.model, *toy.data);
    toy.train(20, 0.05);
    toy.model->eval();
  }
  std::unique_ptr<RowCode> code() const { return exact_row_code(toy.model, toy.data->schemas()); }
};

bool same_floats(const Tensor& a, const Tensor& b) {
  return torch::equal(a.contiguous().view(torch::kInt32), b.contiguous().view(torch::kInt32));
}

void check_round_trip(RowCode& code, const Batch& rows) {
  const auto back = code.decode(code.encode(rows), rows.size());
  CHECK(same_floats(back.x, rows.x));
  REQUIRE(back.mask.defined() == rows.mask.defined());
  if (rows.mask.defined()) CHECK(torch::equal(back.mask, rows.mask));
}

TEST_CASE("one of n alike costs log2 n bits and comes back, for any n") {
  for (const uint64_t n : {1UL, 2UL, 3UL, 1000UL, 4194304UL, 4194305UL, 123456789012UL}) {
    SymbolWriter out;
    std::vector<uint64_t> given;
    for (uint64_t i = 0; i < 400; ++i) {
      given.push_back(i < 2 ? i * (n - 1) : bits_at(n, i) % n);
      out.put_uniform(given.back(), n);
    }
    const auto words = out.words();
    CHECK(static_cast<double>(words.size()) * 32 <=
          400 * (std::log2(static_cast<double>(n)) + 0.03) + 64);
    SymbolReader in(words);
    for (const auto k : given) CHECK(in.take_uniform(n) == k);
    CHECK(in.spent());
  }
}

TEST_CASE("frequencies are at least 1, sum to 2^24 and follow the weights") {
  std::vector<double> weights(300, 1e-30);
  weights[7] = 3;
  weights[200] = 1;
  std::vector<uint32_t> ends;
  frequencies(weights.data(), weights.size(), ends);
  CHECK(ends.front() == 0);
  CHECK(ends.back() == uint32_t{1} << kSymbolBits);
  for (size_t i = 0; i + 1 < ends.size(); ++i) CHECK(ends[i] < ends[i + 1]);
  CHECK((ends[8] - ends[7]) / double(ends.back()) == doctest::Approx(0.75).epsilon(1e-4));
}

TEST_CASE("rows of a table come back, in as many bits as the model's bound has") {
  const TrainedTable t(false);
  const auto code = t.code();
  REQUIRE(code != nullptr);
  const auto all = t.toy.all();
  check_round_trip(*code, all);
  torch::NoGradGuard no_gradient;
  const auto inference = t.toy.model->infer(all);
  const auto log_p = log_ratio(inference, all).to(torch::kFloat64).sum().item<double>();
  // Densities are coded in units of the last decimal, where 0 is a mass already.
  const auto columns = columns_of(t.toy.data->schemas().x);
  double log_units = 0;
  for (size_t j = 0; j < columns.size(); ++j) {
    const auto& c = columns[j];
    if (!c.numeric() || c.type == "count") continue;
    const auto n = all.x.select(1, static_cast<int64_t>(j)).ne(0).sum().item<double>();
    log_units -= n * static_cast<double>(c.decimals) * std::log(10.0);
  }
  const double bound = -(log_p + log_units) / std::log(2.0);
  const double bits = 32.0 * static_cast<double>(code->encode(all).size());
  CHECK(bits == doctest::Approx(bound).epsilon(0.01));
}

TEST_CASE("missing cells, values that training never saw, and few rows come back") {
  const TrainedTable t(true);
  const auto code = t.code();
  auto all = t.toy.all();
  REQUIRE(all.mask.defined());
  check_round_trip(*code, all);
  const size_t before = code->encode(all).size();
  auto odd = all;
  odd.x = all.x.clone();
  odd.mask = torch::ones_like(all.mask);
  const float strange[] = {-0.0F, 1e30F,   1e-40F,   0.123456F, -7,
                           1000,  12.345F, INFINITY, NAN,       77.77F};
  for (int64_t i = 0; i < 10; ++i) odd.x.narrow(0, i * 5, 5).fill_(strange[i]);
  check_round_trip(*code, odd);
  CHECK(code->encode(odd).size() < before + 400);
  for (const int64_t n : {0, 1, 2}) check_round_trip(*code, slice(all, 0, n));
  // A column without any cell costs one bit.
  auto less = all;
  less.mask = all.mask.clone();
  less.x = all.x.clone();
  less.mask.select(1, 2).zero_();
  less.x.select(1, 2).zero_();
  check_round_trip(*code, less);
  CHECK(code->encode(less).size() < before);
}

TEST_CASE("bits of other rows, or of another number of rows, are refused") {
  const TrainedTable t(true, 200);
  const auto code = t.code();
  const auto all = t.toy.all();
  auto words = code->encode(all);
  CHECK_THROWS_WITH_AS(code->decode(words, 199), doctest::Contains("not those of 199 rows"), Error);
  CHECK_THROWS_AS(code->decode(words, 201), Error);
  for (size_t i = 0; i < words.size(); i += 7) {
    auto damaged = words;
    damaged[i] ^= uint32_t{1} << (i % 32);
    // Either refused here, or read as other rows: a checksum tells.
    Tensor x;
    const auto problem = error_of([&] { x = code->decode(damaged, 200).x; });
    CHECK((!problem.empty() || !same_floats(x, all.x)));
  }
}

TEST_CASE("a model in few bytes codes as well as the one that it was made from") {
  const TrainedTable t(true);
  const auto all = t.toy.all();
  const auto& table = t.toy.data->schemas().x;
  const auto of = class_model(t.toy.model, t.toy.data->schemas());
  REQUIRE(of.has_value());
  const auto small = small_model(*of, table);
  const auto [model, schema] = from_small_model(small);
  CHECK(to_json(schema) == to_json(table));
  CHECK(small_model(model, schema) == small);
  const auto code = exact_row_code(model);
  check_round_trip(*code, all);
  CHECK(static_cast<double>(code->encode(all).size()) <
        1.005 * static_cast<double>(t.code()->encode(all).size()));
  fuzz(small, 200, [&](const std::string& bytes) {
    exact_row_code(from_small_model(bytes).first)->encode(slice(all, 0, 3));
  });
}

TEST_CASE("models without exact sums offer no such code") {
  const Toy toy(toy_spec(), toy_table());
  CHECK(exact_row_code(toy.model, toy.data->schemas()) == nullptr);
}

}  // namespace
}  // namespace elbo

#include "elbo/data/column.h"
#include "elbo/data/open.h"
#include "elbo/distributions/columns.h"
#include "elbo/distributions/continuous.h"
#include "elbo/eval/completion_check.h"
#include "elbo/model/table_encoder.h"
#include "elbo/tasks/row_filter.h"
#include "files.h"
#include "near.h"
#include "tolerance.h"
#include "toy.h"

namespace elbo {
namespace {

Data census(int64_t rows) {
  DataOptions options;
  options.rows = rows;
  return open_data("builtin:census", options);
}

Json table_column(const std::string& name, const std::string& type, const Json& more) {
  Json j{{"name", name}, {"type", type}};
  j.update(more);
  return j;
}

/// One column of each type.
Schema schema_of_all_types() {
  const Json numbers{{"loc", 2.0}, {"scale", 3.0}, {"low", -50.0}, {"high", 50.0}, {"decimals", 3}};
  auto positive = numbers, zeros = numbers, count = numbers, few = numbers;
  positive.update({{"loc", 1.0}, {"scale", 0.5}, {"low", 0.1}});
  zeros.update({{"loc", 1.0}, {"scale", 0.5}, {"low", 0.0}, {"zeros", 0.3}});
  count.update({{"loc", 3.0}, {"scale", 0.8}, {"low", 0.0}, {"decimals", 0}});
  few.update({{"loc", 1.9}, {"scale", 0.1}, {"low", 3.0}, {"high", 9.0}, {"decimals", 0}});
  Schema x{{7}, Kind::kTable, {{"missing", true}}};
  x.detail["columns"] = {table_column("a", "real", numbers),
                         table_column("b", "positive", positive),
                         table_column("c", "positive", zeros),
                         table_column("d", "count", count),
                         table_column("e", "count", few),
                         table_column("f", "ordinal", {{"classes", {"1", "2", "3", "4"}}}),
                         table_column("g", "category", {{"classes", {"x", "y", "z"}}})};
  return x;
}

std::shared_ptr<Head> table_head(const Schema& x, const Json& options = Json::object()) {
  Json declared{{"type", "table"}};
  declared.update(options);
  return heads().make({x, {x, {}, {}}}, declared);
}

Tensor some_rows() {
  return torch::tensor({{1.5f, 2.5f, 0.f, 7.f, 5.f, 0.f, 2.f},
                        {-4.f, 0.3f, 3.f, 0.f, 0.f, 3.f, 0.f},
                        {9.f, 30.f, 1.25f, 90.f, 8.f, 1.f, 1.f}});
}

TEST_CASE("each column of a table has a density of its own that sums to 1 over what it may be") {
  const auto x = schema_of_all_types();
  const auto head = table_head(x);
  const auto h = 0.3 * torch::randn({1, head->input()[0]}, torch::kFloat64);
  const auto d = (*head)(h);
  const auto mass = [&](int64_t column, const Tensor& values, double volume) {
    auto rows = some_rows().slice(0, 0, 1).to(torch::kFloat64).repeat({values.size(0), 1});
    rows.select(1, column).copy_(values);
    return (d->log_prob(rows).select(1, column).exp() * volume).sum().item<double>();
  };
  const auto line = (torch::arange(-20000, 20000, torch::kFloat64) + 0.5) * 0.01;
  const auto above = (torch::arange(0, 300000, torch::kFloat64) + 0.5) * 0.01;
  CHECK_CLOSE(mass(0, line, 0.01), 1.0, kIntegral);
  CHECK_CLOSE(mass(1, above, 0.01), 1.0, kIntegral);
  CHECK_CLOSE(mass(2, above, 0.01) + mass(2, torch::zeros({1}), 1), 1.0, kIntegral);
  CHECK_CLOSE(mass(3, torch::arange(20000), 1), 1.0, kIntegral);
  CHECK_CLOSE(mass(4, torch::arange(1000), 1), 1.0, kGoldenFloat);
  CHECK_CLOSE(mass(5, torch::arange(4), 1), 1.0, kGoldenFloat);
  CHECK_CLOSE(mass(6, torch::arange(3), 1), 1.0, kGoldenFloat);
}

TEST_CASE("a table's density is that of its families, in nats of raw values") {
  Schema x{{2}, Kind::kTable, Json::object()};
  const Json scale{{"loc", 10.0}, {"scale", 4.0}, {"low", 0.0}, {"high", 99.0}, {"decimals", 6}};
  x.detail["columns"] = {table_column("k", "category", {{"classes", {"a", "b", "c"}}}),
                         table_column("v", "real", scale)};
  const auto head = table_head(x);
  REQUIRE(head->input() == Shape{5});
  // Families in the order of their names: categorical, then normal.
  const auto h = torch::tensor({{0.2f, -1.f, 0.5f, 0.3f, -0.7f}});
  const auto d = (*head)(h);
  const auto found = d->log_prob(torch::tensor({{1.f, 12.f}}));
  const auto logits = h.narrow(1, 0, 3);
  CHECK_CLOSE(found[0][0], logits.log_softmax(1)[0][1], kGoldenFloat);
  const Normal raw(torch::tensor(10.f + 4.f * 0.3f), Log(torch::tensor(-0.7f + std::log(4.f))));
  CHECK_CLOSE(found[0][1], raw.log_prob(torch::tensor(12.f)), kGoldenFloat);
  CHECK_CLOSE(d->mean()[0], torch::tensor({2.f, 11.2f}), kGoldenFloat);
}

TEST_CASE("tables learn every family that a column may be given, with finite gradients") {
  const auto x = schema_of_all_types();
  for (const Json& options :
       {Json::object(), Json{{"real", "student"}, {"count", "poisson"}}, Json{{"real", "mixture"}},
        Json{{"count", "zero_negative_binomial"}, {"columns", {{"f", "categorical"}}}}}) {
    CAPTURE(options.dump());
    const auto head = table_head(x, options);
    for (const double size : {0.0, 1.0, 1e3, -1e3}) {
      CAPTURE(size);
      const auto h = (size * torch::randn({3, head->input()[0]})).requires_grad_();
      const auto d = (*head)(h);
      auto rows = d->row_log_prob(some_rows());
      CHECK(rows.isfinite().all().item<bool>());
      rows.sum().backward();
      CHECK(h.grad().isfinite().all().item<bool>());
      const auto drawn = d->sample();
      CHECK(drawn.sizes() == torch::IntArrayRef({3, 7}));
      CHECK(d->log_prob(drawn).isnan().any().item<bool>() == false);
    }
  }
  CHECK(
      error_of([&] {
        table_head(x, {{"columns", {{"a", "poisson"}}}});
      }) ==
      "[head table] column \"a\" of type real: family poisson; allowed: normal, student, mixture");
  CHECK(error_of([&] {
          table_head(x, {{"columns", {{"q", "normal"}}}});
        }) == "[head table] columns: no column \"q\"");
  CHECK_FALSE(error_of([&] { table_head(x, {{"positive", "log_normal"}}); }).empty());
}

TEST_CASE("a hidden cell changes neither density nor gradient") {
  const auto head = table_head(schema_of_all_types());
  auto mask = torch::ones({3, 7});
  mask.select(1, 1).zero_();
  mask.select(1, 3).zero_();
  const auto h = torch::randn({3, head->input()[0]}).requires_grad_();
  const auto gradient = [&](const Tensor& x) {
    if (h.grad().defined()) h.mutable_grad().zero_();
    (*head)(h)->row_log_prob(x, mask).sum().backward();
    return h.grad().clone();
  };
  const auto x = some_rows();
  auto other = x.clone();
  other.select(1, 1).zero_();
  other.select(1, 3).fill_(1e6);
  CHECK(gradient(x).isfinite().all().item<bool>());
  CHECK(torch::equal(gradient(x), gradient(other)));
}

TEST_CASE("grades of a cumulative logit are differences of sigmoids, and their mean the median") {
  const auto cuts = torch::tensor({-1.0, 0.3, 2.0}, torch::kFloat64);
  const auto p = cumulative_logits(cuts, torch::tensor({0.4}, torch::kFloat64)).exp();
  const auto below = torch::cat({torch::zeros({1}, torch::kFloat64), (cuts - 0.4).sigmoid(),
                                 torch::ones({1}, torch::kFloat64)});
  CHECK_CLOSE(p, below.slice(0, 1) - below.slice(0, 0, 4), kGoldenDouble);
  CHECK(Ordinal(p.log()).mean().item<double>() == 2);
}

TEST_CASE("encoders see standardised numbers, classes one by one, and what is missing") {
  const auto x = schema_of_all_types();
  TableFeatures features(columns_of(x), true);
  auto rows = some_rows();
  rows[1].fill_(NAN);
  const auto seen = features.forward(rows);
  // Six numbers, a mark of zeros, three classes, seven marks of missing cells.
  REQUIRE(features.size() == 17);
  REQUIRE(seen.sizes() == torch::IntArrayRef({3, 17}));
  CHECK_CLOSE(seen[0][0], torch::tensor((1.5 - 2) / 3), kGoldenFloat);
  CHECK_CLOSE(seen[0][2], torch::tensor((std::log(2.5) - 1) / 0.5), kGoldenFloat);
  CHECK(seen[0].slice(0, 6, 10).equal(torch::tensor({1.f, 0.f, 0.f, 1.f})));
  CHECK(seen[1].slice(0, 0, 10).equal(torch::zeros({10})));
  CHECK(seen.slice(1, 10).sum(1).equal(torch::tensor({0.f, 7.f, 0.f})));

  Json many = Json::array();
  for (int i = 0; i < 40; ++i) many.push_back("k" + std::to_string(i));
  const auto wide = column_from_json(table_column("w", "category", {{"classes", many}}), "test");
  TableFeatures embedded({wide}, false);
  CHECK(embedded.size() == 13);
  const auto e = embedded.forward(torch::tensor({{3.f}, {NAN}, {3.f}}));
  CHECK(torch::equal(e[0], e[2]));
  CHECK(e[1].abs().sum().item<float>() == 0);
  e.sum().backward();
  CHECK(embedded.parameters()[0].grad().abs().sum(1).gt(0).sum().item<int64_t>() == 1);
}

/// The conditional mean of a jointly normal x given some of its columns.
Tensor normal_conditional(const Tensor& cov, const Tensor& mean, const Tensor& row,
                          const std::vector<int64_t>& seen, int64_t wanted) {
  const auto at = torch::tensor(seen);
  const auto a = cov.index_select(0, at).index_select(1, at);
  const auto b = cov[wanted].index_select(0, at);
  const auto gain = torch::linalg_solve(a, b.unsqueeze(1), true).squeeze(1);
  return mean[wanted] + gain.dot(row.index_select(0, at) - mean.index_select(0, at));
}

/// Real columns as a table.
Schema table_schema(const Tensor& x) {
  Schema schema{{x.size(1)}, Kind::kTable, {{"missing", true}, {"columns", Json::array()}}};
  for (int64_t i = 0; i < x.size(1); ++i) {
    const auto v = x.select(1, i).to(torch::kFloat64);
    schema.detail["columns"].push_back(table_column("v" + std::to_string(i), "real",
                                                    {{"loc", v.mean().item<double>()},
                                                     {"scale", v.std().item<double>()},
                                                     {"low", v.min().item<double>()},
                                                     {"high", v.max().item<double>()},
                                                     {"decimals", 6}}));
  }
  return schema;
}

TEST_CASE("importance draws of a linear model complete rows as its exact conditional does") {
  // x = W z + m + 0.5 e as a model: decoder and likelihood are set to the truth, the encoder is the
  // untrained proposal that importance weights must correct.
  constexpr int64_t kRows = 32;
  RandomScope scope(5);
  const auto w = torch::randn({4, 2}), m = torch::randn({4});
  Arrays arrays;
  arrays.x = torch::randn({kRows, 2}).mm(w.t()) + m + 0.5 * torch::randn({kRows, 4});
  arrays.mask = torch::ones({kRows, 4});
  arrays.mask.select(1, 2).zero_();
  arrays.schemas.x = table_schema(arrays.x);
  Toy toy(
      toy_spec({{"likelihood", "table"},
                {"latent", {{"size", 2}}},
                {"decoder", {{"type", "mlp"}, {"hidden", Json::array()}, {"activation", "relu"}}}}),
      in_memory(arrays));
  const auto columns = columns_of(arrays.schemas.x);
  {
    torch::NoGradGuard no_gradient;
    auto decoder = toy.model->decoder->named_parameters();
    for (auto& p : decoder) p.value().zero_();
    Tensor* weight = nullptr;
    for (auto& p : decoder) {
      if (p.value().dim() == 2) weight = &p.value();
      if (p.value().dim() != 1) continue;
      for (int64_t i = 0; i < 4; ++i) {
        const auto& c = columns[static_cast<size_t>(i)];
        p.value()[i] = (m[i].item<double>() - c.loc) / c.scale;
        p.value()[4 + i] = std::log(0.5 / c.scale);
      }
    }
    REQUIRE(weight != nullptr);
    const bool rows_out = weight->size(0) == 8;
    for (int64_t i = 0; i < 4; ++i) {
      const auto line = w[i] / columns[static_cast<size_t>(i)].scale;
      (rows_out ? weight->select(0, i) : weight->select(1, i)).copy_(line);
    }
  }
  toy.model->eval();
  const auto batch = toy.all();
  const auto found = complete(*toy.model, batch, columns, {40000, 0, 0});
  const auto interval = complete(*toy.model, batch, columns, {2000, 0, 0.9});
  const auto cov = w.mm(w.t()) + 0.25 * torch::eye(4);
  int64_t inside = 0;
  double squares = 0;
  for (int64_t r = 0; r < kRows; ++r) {
    const auto exact = normal_conditional(cov, m, arrays.x[r], {0, 1, 3}, 2);
    squares += (found.value[r][2] - exact).square().item<double>();
    const auto x = arrays.x[r][2].item<double>();
    inside += interval.low[r][2].item<double>() <= x && x <= interval.high[r][2].item<double>();
  }
  CHECK(std::sqrt(squares / kRows) < kCompletion);
  CHECK(inside >= 22);  // of 32, at 90 %: fewer by chance once in ten thousand
}

TEST_CASE("the census is deterministic and holds the dependencies that it promises") {
  const auto data = census(4000);
  const auto batch = data->get(torch::arange(4000));
  CHECK(torch::equal(batch.x, census(4000)->get(torch::arange(4000)).x));
  CHECK(batch.x.isfinite().all().item<bool>());
  const auto columns = columns_of(data->schemas().x);
  const auto at = [&](const std::string& name) {
    for (size_t i = 0; i < columns.size(); ++i) {
      if (columns[i].name == name) return static_cast<int64_t>(i);
    }
    return int64_t{-1};
  };
  const auto value = [&](const std::string& name) { return batch.x.select(1, at(name)); };
  const auto mean_where = [&](const std::string& name, const Tensor& rows) {
    const auto seen = rows.logical_and(batch.mask.select(1, at(name)) > 0);
    return value(name).masked_select(seen).mean().item<double>();
  };
  const auto male = value("sex") == 1;
  CHECK_CLOSE(mean_where("height", male), 177.0, kCensusMean);
  CHECK_CLOSE(mean_where("height", male.logical_not()), 164.0, kCensusMean);
  CHECK(mean_where("married", value("age") > 50) > 0.8);
  CHECK(mean_where("married", value("age") < 22) < 0.2);
  CHECK(mean_where("income", value("education") == 5) >
        1.5 * mean_where("income", value("education") == 1));
  const auto hidden = 1 - batch.mask.mean(0);
  CHECK(hidden[at("weight")].item<double>() > 0.08);
  CHECK(hidden[at("age")].item<double>() == 0);
}

TEST_CASE("rows are filtered by conditions on columns") {
  const auto schema = census(10)->schemas().x;
  const auto rows = census(500)->get(torch::arange(500)).x;
  const RowFilter filter("age>=60, sex=female,education!=none", schema);
  const auto keep = filter.keeps(rows);
  const auto plain = (rows.select(1, 0) >= 60)
                         .logical_and(rows.select(1, 1) == 0)
                         .logical_and(rows.select(1, 4) != 0);
  CHECK(torch::equal(keep, plain));
  const auto refused = [&](const std::string& text) {
    return error_of([&] { RowFilter(text, schema); });
  };
  CHECK(refused("age!3").find("expected one of") != std::string::npos);
  for (const char* unknown : {"ages>3", "wage>3"}) {
    CHECK(refused(unknown).find("begins with no column and relation; known: age") !=
          std::string::npos);
  }
  CHECK(refused("sex>male").find("needs an order") != std::string::npos);
  CHECK(refused("sex=m").find("none of its 2 known values") != std::string::npos);
}

TEST_CASE("numbers are filled as planned: expected, the middle of the draws, or a constant") {
  const auto data = census(128);
  Toy toy(toy_spec({{"likelihood", "auto"}}), data);
  toy.model->eval();
  const auto columns = columns_of(data->schemas().x);
  auto shown = toy.all();
  shown.mask = torch::zeros_like(shown.x);
  const auto width = static_cast<int64_t>(columns.size());
  const auto found = [&](const CompletionPlan& plan) {
    const RandomScope same(3);
    return complete(*toy.model, shown, columns, plan);
  };
  auto fills = torch::zeros({3, width}, torch::kFloat64);
  fills[2].fill_(1);
  fills[0][0] = static_cast<double>(Fill::kMedian);
  fills[0][1] = static_cast<double>(Fill::kConstant);
  fills[1][1] = 7;
  fills[1][2] = 5;
  fills[2][2] = 0.25;
  const auto plain = found({16, 0, 0.9}), planned = found({16, 0, 0.9, fills});
  CHECK(torch::equal(planned.value.select(1, 0), plain.median.select(1, 0)));
  CHECK((planned.value.select(1, 1) == 7).all().item<bool>());
  CHECK_CLOSE(planned.value.select(1, 2), 0.25 * plain.value.select(1, 2) + 3.75, kFloatSums);
  CHECK(torch::equal(planned.value.slice(1, 3), plain.value.slice(1, 3)));
  // As earlier runs keep them.
  const auto two = found({16, 0, 0.9, fills.narrow(0, 0, 2)});
  CHECK(torch::equal(two.value.slice(1, 0, 2), planned.value.slice(1, 0, 2)));
  CHECK(torch::equal(two.value.slice(1, 2), plain.value.slice(1, 2)));
  CHECK((plain.low <= plain.median).logical_and(plain.median <= plain.high).all().item<bool>());
}

TEST_CASE("what came nearest to hidden cells fills them: of an untrained model rarely its mean") {
  const auto data = census(1200), held_out = census(800);
  Toy toy(toy_spec({{"likelihood", "auto"}}), data);
  toy.model->eval();
  const auto columns = columns_of(data->schemas().x);
  const auto fills = check_completion(*toy.model, data, held_out, columns).fills;
  int64_t changed = 0, changed_classes = 0;
  const auto truth = toy.all();
  auto shown = truth;
  shown.mask = truth.mask * (torch::rand_like(truth.x) < 0.7);
  shown.x = truth.x * shown.mask;
  const auto hidden = truth.mask * (1 - shown.mask);
  auto numeric = torch::zeros({truth.x.size(1)}, torch::kBool), graded = numeric.clone();
  for (size_t i = 0; i < columns.size(); ++i) {
    numeric[static_cast<int64_t>(i)] = columns[i].numeric();
    graded[static_cast<int64_t>(i)] = columns[i].type == "ordinal";
  }
  const auto error = [&](const CompletionPlan& plan) {
    const auto apart = complete(*toy.model, shown, columns, plan).value - truth.x;
    const auto steps = torch::where(graded, apart.abs(), (apart != 0).to(torch::kFloat32));
    return (torch::where(numeric, apart.square(), steps) * hidden).sum(0);
  };
  const auto before = error({100}), after = error({100, 0, 0, fills});
  for (size_t i = 0; i < columns.size(); ++i) {
    CAPTURE(columns[i].name);
    const auto at = static_cast<int64_t>(i);
    const auto fill = static_cast<Fill>(static_cast<int64_t>(fills[0][at].item<double>()));
    if (!columns[i].numeric()) CHECK(fill != Fill::kMedian);
    const auto weight = fills[2][at].item<double>();
    if (fill == Fill::kMean && weight == 1) continue;
    ++(columns[i].numeric() ? changed : changed_classes);
    // The cells that it was chosen by were others.
    const double chance = columns[i].numeric() ? 1.05 : 1.15;
    CHECK(after[at].item<double>() < chance * before[at].item<double>());
  }
  CHECK(changed > 0);
  CHECK(changed_classes > 0);
}

TEST_CASE("the level of a cell is the mass of the smallest interval that holds it") {
  const auto data = census(256);
  Toy toy(toy_spec({{"likelihood", "auto"}}), data);
  toy.model->eval();
  const auto columns = columns_of(data->schemas().x);
  const auto truth = slice(toy.all(), 0, 64);
  auto shown = truth;
  shown.mask = torch::zeros_like(truth.x);
  const auto found = [&](const CompletionPlan& plan, const Tensor& cells) {
    const RandomScope same(3);
    return complete(*toy.model, shown, columns, plan, cells);
  };
  const auto level = found({16}, truth.x).level;
  for (const double mass : {0.317, 0.613, 0.893}) {
    const auto one = found({16, 0, mass}, {});
    const auto inside = (truth.x >= one.low) & (truth.x <= one.high);
    for (size_t i = 0; i < columns.size(); ++i) {
      if (!columns[i].numeric()) continue;
      CAPTURE(columns[i].name);
      const auto at = static_cast<int64_t>(i);
      CHECK(torch::equal(inside.select(1, at), level.select(1, at) < mass));
    }
  }
}

TEST_CASE("intervals that held too few hidden numbers are drawn with more mass") {
  CHECK(honest_mass(nullptr, 0.9) == 0.9);
  Kept kept;
  CHECK(honest_mass(&kept, 0.9) == 0.9);
  const auto uniform = torch::arange(1, 1000) / 1000.0;  // what is promised
  kept.interval_levels = uniform;
  CHECK(honest_mass(&kept, 0.9) == doctest::Approx(0.9));
  kept.interval_levels = uniform.sqrt();  // 90 % of the cells need 95 % of the draws
  CHECK(honest_mass(&kept, 0.9) == doctest::Approx(std::sqrt(0.9)));
  kept.interval_levels = uniform.square();  // wide enough: they stay
  CHECK(honest_mass(&kept, 0.9) == 0.9);
  kept.interval_levels = torch::tensor({0.5F, 0.6F});  // nothing is known about 90 %
  CHECK(honest_mass(&kept, 0.9) > 0.99);
}

TEST_CASE(
    "every latent structure of a table trains on its holes, also with cells hidden on purpose") {
  const auto data = census(256);
  for (const Json& patch : {Json{{"objective", {{"type", "importance"}, {"samples", 4}}}},
                            Json{{"latent",
                                  {{"type", "labelled"},
                                   {"size", 3},
                                   {"classes", 3},
                                   {"labels", false},
                                   {"components", "per_class"}}}},
                            Json{{"encoder", {{"hide", 0.2}}}}}) {
    CAPTURE(patch.dump());
    auto spec = toy_spec({{"likelihood", "auto"}});
    spec.merge_patch(patch);
    Toy toy(spec, data);
    const double before = toy.validate().loss.item<double>();
    toy.train(60);
    CHECK(toy.validate().loss.item<double>() < before - kLearnedNats);
    const auto columns = columns_of(data->schemas().x);
    toy.model->eval();
    const auto found = complete(*toy.model, slice(toy.all(), 0, 20), columns, {16, 3, 0.8});
    CHECK(found.value.sizes() == torch::IntArrayRef({20, 10}));
    CHECK(found.draws.sizes() == torch::IntArrayRef({3, 20, 10}));
    CHECK((found.low <= found.high).all().item<bool>());
    CHECK(found.value.isfinite().all().item<bool>());
  }
}

}  // namespace
}  // namespace elbo

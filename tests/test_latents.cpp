#include <doctest/doctest.h>

#include <set>

#include "elbo/core/random.h"
#include "elbo/model/levels.h"
#include "latents_table.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

constexpr int64_t kLatentsRows = 5;

Schema bits_of(const LatentCase& one) {
  if (one.picture) return {{1, 4, 4}, Kind::kBinary, Json::object()};
  if (one.likelihood.is_null()) return {{6}, Kind::kBinary, Json::object()};
  auto columns = Json::array();
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
    columns.push_back({{"name", name}, {"type", "binary"}, {"classes", {"no", "yes"}}});
  }
  return {{6}, Kind::kTable, {{"columns", columns}}};
}

Schemas schemas_of(const LatentCase& one, bool conditional) {
  Schemas data;
  data.x = bits_of(one);
  data.y = {{}, Kind::kCategory, {{"classes", {"a", "b", "c"}}}};
  if (conditional) data.c = {{2}, Kind::kReal, Json::object()};
  return data;
}

Batch batch_of(const Schemas& data) {
  Batch batch;
  batch.x = torch::bernoulli(torch::full(with_rows(kLatentsRows, data.x.shape), 0.4));
  batch.y = torch::tensor({0, -1, 2, -1, -1}, torch::kInt64);
  if (data.c.present()) batch.c = torch::randn({kLatentsRows, 2});
  return batch;
}

struct Built {
  Schemas data;
  Json spec;
  std::shared_ptr<Model> model;
  Batch batch;
  Built(const LatentCase& one, bool conditional) : data(schemas_of(one, conditional)) {
    spec = resolve(small_spec(one.latent, one.decoder, one.likelihood), data);
    model = build(spec, data);
    batch = batch_of(data);
  }
};

/// Every case, without and with a condition.
template <class F>
void for_each_latent(F f) {
  for (const auto& one : latent_cases()) {
    for (const bool conditional : {false, true}) {
      if (conditional && !one.conditional) continue;
      CAPTURE(one.name);
      CAPTURE(conditional);
      seed_torch(0);
      Built built(one, conditional);
      f(built);
    }
  }
}

std::vector<std::string> names_of(const Trace& trace) {
  std::vector<std::string> names;
  for (const auto& site : trace.sites) names.push_back(site.name);
  return names;
}

TEST_CASE("a trace holds whole batches of particles whose weights add up to one") {
  for_each_latent([](Built& built) {
    torch::NoGradGuard no_gradient;
    built.model->eval();
    for (const int64_t samples : {0, 1, 3}) {
      const auto inference = built.model->infer(built.batch, samples);
      const auto& trace = inference.trace;
      const int64_t particles = trace.log_weight.size(0);
      CHECK(particles % std::max<int64_t>(samples, 1) == 0);
      CHECK(trace.log_weight.size(1) == kLatentsRows);
      CHECK_CLOSE(trace.log_weight.logsumexp(0), torch::zeros({kLatentsRows}), kLayerFloat);
      CHECK(trace.code.sizes().equals(
          with_rows(particles * kLatentsRows, built.model->latent->code())));
      if (trace.extra.defined()) CHECK(trace.extra.sizes().equals({particles, kLatentsRows}));
      const auto names = names_of(trace);
      CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
      for (const auto& site : trace.sites) {
        CAPTURE(site.name);
        CHECK(site.value.size(0) == particles * kLatentsRows);
        CHECK(site.kl().sizes().equals({particles * kLatentsRows}));
        CHECK(site.kl().isfinite().all().item<bool>());
        if (samples > 0) CHECK(site.log_posterior().sizes().equals({particles * kLatentsRows}));
        CHECK(site.log_prior().sizes().equals({particles * kLatentsRows}));
      }
      CHECK(log_likelihood(inference, built.batch).isfinite().all().item<bool>());
    }
  });
}

TEST_CASE("S draws are S blocks that agree in what does not depend on the draw") {
  for_each_latent([](Built& built) {
    torch::NoGradGuard no_gradient;
    built.model->eval();
    const auto trace = built.model->latent->infer(built.batch, 3);
    // The first site that is drawn does not depend on other draws.
    const auto& first = trace.sites.front();
    if (first.posterior) {
      auto mean = first.posterior->mean();
      // Later steps of a series depend on the draws of earlier ones.
      const bool series = built.model->latent->steps() > 0;
      if (series) mean = mean.narrow(1, 0, 1).contiguous();
      const auto blocks = mean.reshape({3, -1});
      CHECK_CLOSE(blocks[1], blocks[0], kLayerFloat);
      CHECK_CLOSE(blocks[2], blocks[0], kLayerFloat);
      const auto once = built.model->latent->infer(built.batch, 1).sites.front();
      const auto own = once.posterior->mean();
      CHECK_CLOSE(blocks[0], (series ? own.narrow(1, 0, 1) : own).flatten(), kLayerFloat);
    }
    if (first.posterior && first.posterior->reparameterized() &&
        first.posterior->stddev().defined() && first.posterior->stddev().max().item<float>() > 0) {
      const auto draws = first.value.reshape({3, -1});
      CHECK(!draws[0].equal(draws[1]));
    }
  });
}

TEST_CASE("means are the same twice, and a row's do not depend on its neighbours") {
  for_each_latent([](Built& built) {
    torch::NoGradGuard no_gradient;
    built.model->eval();
    const auto all = built.model->latent->infer(built.batch, 0);
    CHECK(built.model->latent->infer(built.batch, 0).code.equal(all.code));
    const auto row = built.model->latent->infer(slice(built.batch, 2, 3), 0);
    const int64_t particles = all.log_weight.size(0);
    const auto own = all.code.reshape({particles, kLatentsRows, -1}).select(1, 2);
    CHECK_CLOSE(row.code.reshape({particles, -1}), own, kLayerFloat);
    CHECK_CLOSE(row.log_weight.exp(), all.log_weight.narrow(1, 2, 1).exp(), kLayerFloat);
  });
}

TEST_CASE("generate takes every fixed site exactly as it is given") {
  for_each_latent([](Built& built) {
    torch::NoGradGuard no_gradient;
    built.model->eval();
    auto& latent = *built.model->latent;
    const auto c = built.batch.c;
    const auto free = latent.generate(kLatentsRows, c);
    CHECK(free.code.sizes().equals(with_rows(kLatentsRows, latent.code())));
    CHECK(free.log_weight.sizes().equals({1, kLatentsRows}));
    Values all;
    for (const auto& site : free.sites) {
      CAPTURE(site.name);
      CHECK(site.log_prior().sizes().equals({kLatentsRows}));
      CHECK(site.log_prior().isfinite().all().item<bool>());
      all[site.name] = site.value;
      for (const bool one_row : {false, true}) {
        const auto value = one_row ? site.value.narrow(0, 0, 1) : site.value;
        for (const auto& fixed : latent.generate(kLatentsRows, c, {{site.name, value}}).sites) {
          if (fixed.name == site.name) CHECK(fixed.value.equal(value.expand_as(site.value)));
        }
      }
    }
    const auto again = latent.generate(kLatentsRows, c, all);
    // A code that looks back at its own draws of x is another one each time.
    if (!free.x.defined()) CHECK(again.code.equal(free.code));
    CHECK(built.model->generate(kLatentsRows, c, all).x->mean().size(0) == kLatentsRows);
    CHECK_THROWS_WITH_AS(latent.generate(1, c, {{"nobody", torch::zeros({1, 1})}}),
                         doctest::Contains("nobody"), Error);
  });
}

TEST_CASE("every parameter of a latent is listed once and gets a gradient") {
  for_each_latent([](Built& built) {
    auto objective = build_objective(built.spec, built.data, *built.model, 100);
    // A linear map of what begins at zero passes nothing on: two looks, after some noise.
    {
      torch::NoGradGuard no_gradient;
      for (auto& p : built.model->parameters()) p.add_(0.05 * torch::randn_like(p));
    }
    objective->loss({*built.model, built.batch, 0}).loss.backward();
    std::set<void*> seen;
    for (const auto& item : built.model->latent->named_parameters()) {
      CAPTURE(item.key());
      CHECK(seen.insert(item.value().data_ptr()).second);
      REQUIRE(item.value().grad().defined());
      CHECK(item.value().grad().isfinite().all().item<bool>());
      CHECK(item.value().grad().abs().sum().item<double>() > 0);
    }
    for (const auto& p : built.model->latent->prior_parameters()) {
      CHECK(seen.count(p.data_ptr()) == 1);
    }
    CHECK(!built.model->latent->report().empty());
  });
}

TEST_CASE("an unknown class, a code out of range and clashing declarations are refused") {
  const auto refuse = [](const Json& latent, const char* said) {
    const auto data = schemas_of(LatentCase{}, false);
    CHECK_THROWS_WITH_AS(build(resolve(small_spec(latent), data), data), doctest::Contains(said),
                         Error);
  };
  refuse({{"type", "ladder"}, {"sizes", {2, 2}}, {"widths", {4, 4, 4}}}, "widths");
  refuse({{"type", "ladder"}, {"sizes", Json::array()}}, "sizes");
  refuse({{"type", "quantized"}, {"method", "levels"}, {"levels", {1, 4}}}, "levels");
  refuse({{"type", "product"}, {"parts", Json::array()}}, "parts");
  Built book({"", {{"type", "quantized"}, {"codes", 6}, {"size", 3}, {"positions", 2}}}, false);
  CHECK_THROWS_WITH_AS(book.model->generate(1, Tensor(), {{"z", torch::full({1, 2}, 6)}}),
                       doctest::Contains("0 to 5"), Error);
  Built labelled({"", {{"type", "labelled"}, {"size", 2}}}, false);
  CHECK_THROWS_WITH_AS(labelled.model->generate(1, Tensor(), {{"y", torch::full({1}, 3)}}),
                       doctest::Contains("0 to 2"), Error);
  labelled.batch.y[0] = 3;
  CHECK_THROWS_WITH_AS(labelled.model->infer(labelled.batch), doctest::Contains("0 to 2"), Error);
}

TEST_CASE("names that parts of a product share are told apart by the part's number") {
  const Json flat{{"type", "flat"}, {"size", 2}};
  const Json ladder{{"type", "ladder"}, {"sizes", {2, 2}}, {"widths", {8}}};
  Built built({"", {{"type", "product"}, {"parts", {flat, flat, ladder}}}}, false);
  const std::vector<std::string> expected{"0.z", "1.z", "z2", "z1"};
  CHECK(names_of(built.model->latent->infer(built.batch, 1)) == expected);
  CHECK(names_of(built.model->latent->generate(2)) == expected);
}

/// For each part of a model's code those that are told of it, by their names.
std::map<std::string, std::vector<std::string>> told_of(Built& built) {
  built.model->eval();
  const auto layout = code_layout(*built.model, built.data);
  const Levels levels(*built.model, layout, built.data);
  std::map<std::string, std::vector<std::string>> all;
  for (const auto& part : layout.parts) {
    auto& names = all[part.site];
    for (const auto below : levels.below(part.offset)) names.push_back(layout.parts[below].site);
  }
  return all;
}

TEST_CASE("what is told of a variable are the levels below it, and no others") {
  using Told = std::map<std::string, std::vector<std::string>>;
  const Json flat{{"type", "flat"}, {"size", 2}};
  const Json ladder{{"type", "ladder"}, {"sizes", {2, 2, 2}}, {"widths", {8}}};
  const Json classes{{"type", "labelled"}, {"size", 2}};
  Json clusters = classes, chain = {{"type", "stacked"}, {"sizes", {8, 8}}};
  clusters["components"] = "per_class";
  chain["posterior"] = chain["prior"] = "bits";
  for (const bool conditional : {false, true}) {
    seed_torch(0);
    Built deep({"", ladder}, conditional);
    CHECK(told_of(deep) == Told{{"z3", {"z2", "z1"}}, {"z2", {"z1"}}, {"z1", {}}});
    Built belief({"", chain}, conditional);
    CHECK(told_of(belief) == Told{{"z2", {"z1"}}, {"z1", {}}});
    Built style({"", classes}, conditional);
    CHECK(told_of(style) == Told{{"y", {}}, {"z", {}}});
  }
  Built cluster({"", clusters}, false);
  CHECK(told_of(cluster) == Told{{"y", {"z"}}, {"z", {}}});
  Built beside({"", {{"type", "product"}, {"parts", {flat, ladder, ladder}}}}, false);
  CHECK(told_of(beside) == Told{{"z", {}},
                                {"1.z3", {"1.z2", "1.z1"}},
                                {"1.z2", {"1.z1"}},
                                {"1.z1", {}},
                                {"2.z3", {"2.z2", "2.z1"}},
                                {"2.z2", {"2.z1"}},
                                {"2.z1", {}}});
}

TEST_CASE("levels below a moved one hold what their prior expects, the others stay") {
  torch::NoGradGuard no_gradient;
  seed_torch(0);
  Built built({"", {{"type", "ladder"}, {"sizes", {2, 2, 2}}, {"widths", {8}}}}, false);
  built.model->eval();
  const auto layout = code_layout(*built.model, built.data);  // z3, z2, z1
  const Levels levels(*built.model, layout, built.data);
  auto codes = encode_batch(*built.model, layout, built.batch).mean;
  codes.select(1, 2) += 1;  // of z2
  const auto settled = levels.settled(codes, 2, Tensor());
  CHECK(settled.narrow(1, 0, 4).equal(codes.narrow(1, 0, 4)));
  const auto again =
      built.model->latent->generate(kLatentsRows, Tensor(), as_sites(layout, settled));
  CHECK_CLOSE(settled.narrow(1, 4, 2), again.sites[2].prior->mean(), kLayerFloat);
  CHECK(!settled.narrow(1, 4, 2).allclose(codes.narrow(1, 4, 2)));
  CHECK(levels.settled(codes, 5, Tensor()).equal(codes));
  CHECK_THROWS_AS(levels.settled(codes, 6, Tensor()), Error);
}

}  // namespace
}  // namespace elbo

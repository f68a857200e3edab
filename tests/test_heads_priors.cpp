#include <doctest/doctest.h>
#include <torch/autograd.h>

#include <cmath>
#include <set>

#include "elbo/data/dataset.h"
#include "elbo/data/open.h"
#include "elbo/distributions/composite.h"
#include "elbo/distributions/continuous.h"
#include "elbo/distributions/normal_mixture.h"
#include "elbo/eval/density.h"
#include "elbo/train/trainer.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

Schemas plain_data(int64_t columns) {
  Schemas data;
  data.x = {{columns}, Kind::kReal, Json::object()};
  return data;
}

/// A context in which a head stands as the prior of a vector of this size.
Context prior_place(int64_t size) {
  Context at{{{size}, Kind::kReal, Json::object()}, plain_data(3)};
  at.posterior = heads().make(at, "normal");
  const auto out = at.posterior->input();
  at.encoder = make_encoder({{"type", "mlp"}, {"hidden", {8}}}, at.data, out, 0);
  at.role = Role::kFree;
  return at;
}

TEST_CASE("a mixture's density by one matrix product is that of its components") {
  const auto logits = torch::randn({20}), loc = 3 * torch::randn({20, 6}) + 5;
  const auto log_scale = 0.5 * torch::randn({20, 6}) - 1;
  const auto x = torch::cat(
      {NormalMixture(logits, loc, Log(log_scale)).sample({50}), 5 + 6 * torch::randn({50, 6})});
  const auto wide = [](const Tensor& t) { return t.to(torch::kFloat64); };
  const Mixture readable(wide(logits), std::make_shared<Normal>(wide(loc), Log(wide(log_scale))),
                         1);
  const auto expected = readable.log_prob(wide(x));
  const NormalMixture exact(wide(logits), wide(loc), Log(wide(log_scale)));
  CHECK_CLOSE(exact.log_prob(wide(x)), expected, kGoldenDouble);
  CHECK_CLOSE(NormalMixture(logits, loc, Log(log_scale)).log_prob(x), expected, kFloatSums);
  CHECK_CLOSE(exact.mean(), readable.mean(), kGoldenDouble);
  CHECK_CLOSE(exact.stddev(), readable.stddev(), kGoldenDouble);
  CHECK(exact.log_prob(wide(x).view({2, 50, 6})).sizes() == torch::IntArrayRef({2, 50}));
}

TEST_CASE("every free prior of the plane integrates to 1, and its draws fit its density") {
  const std::vector<Json> priors = {
      "normal",
      "laplace",
      "student",
      {{"type", "mixture"}, {"components", 5}},
      {{"type", "vamp"}, {"components", 7}},
      {{"type", "flow"}, {"step", "planar"}, {"steps", 3}},
      {{"type", "flow"}, {"step", "radial"}, {"steps", 3}},
      {{"type", "flow"}, {"step", "sylvester"}, {"steps", 2}},
      {{"type", "flow"}, {"step", "maf"}, {"steps", 3}},
      {{"type", "flow"}, {"step", "realnvp"}, {"steps", 4}},
      {{"type", "flow"}, {"step", "spline"}, {"steps", 4}},
      {{"type", "flow"}, {"step", "iaf"}, {"steps", 2}, {"base", "laplace"}}};
  torch::NoGradGuard no_gradient;
  const int64_t n = 200;
  const double reach = 12, cell = 2 * reach / n;
  const auto line = (torch::arange(n, torch::kFloat64) + 0.5) * cell - reach;
  const auto grid = torch::cartesian_prod({line, line});  // [n², 2]
  for (const auto& declared : priors) {
    CAPTURE(declared.dump());
    const auto at = prior_place(2);
    const auto head = heads().make(at, declared);
    for (const auto& part :
         std::vector<std::shared_ptr<torch::nn::Module>>{head, at.posterior, at.encoder}) {
      part->to(torch::kFloat64);
    }
    const bool flow = declared.is_object() && declared["type"] == "flow";
    if (flow) {
      for (auto& p : head->parameters()) p.mul_(2);
    }
    const auto p = (*head)(Tensor());
    const auto mass = p->row_log_prob(grid).exp() * cell * cell;
    CHECK_CLOSE(mass.sum().item<double>(), 1.0, kPlaneIntegral);
    const auto x = p->sample({20000});
    CHECK(x.sizes() == torch::IntArrayRef({20000, 2}));
    // A bounded statistic, which heavy tails leave alone.
    const auto expected = (mass.unsqueeze(1) * grid.tanh()).sum(0);
    const auto error = x.tanh().std(0) / std::sqrt(20000.0);
    const auto off = (x.tanh().mean(0) - expected).abs() - kPlaneIntegral;
    CHECK((off / error).max().item<double>() < kStandardErrors);
  }
}

TEST_CASE("vamp borrows encoder and posterior and teaches them") {
  const auto at = prior_place(4);
  const auto head = heads().make(at, {{"type", "vamp"}, {"components", 5}});
  CHECK(head->parameters().size() == 1);
  const auto loss = (*head)(Tensor())->row_log_prob(torch::randn({3, 4})).sum();
  const auto weights = at.encoder->parameters();
  const auto g = torch::autograd::grad({loss}, {weights.front(), head->parameters()[0]});
  CHECK(g[0].abs().sum().item<double>() > 0);
  CHECK(g[1].abs().sum().item<double>() > 0);
  // The mixture of the posteriors at the pseudo-inputs themselves.
  const auto q = (*at.posterior)(at.encoder->forward(head->parameters()[0]));
  const auto x = torch::randn({6, 4});
  const auto each = row_sum(q->log_prob(x.unsqueeze(1)).flatten(0, 1)).view({6, 5});
  CHECK_CLOSE((*head)(Tensor())->log_prob(x), each.logsumexp(1) - std::log(5), kFloatSums);
  Context bare{{{4}, Kind::kReal, Json::object()}, plain_data(3)};
  CHECK_THROWS_WITH_AS(heads().make(bare, "vamp"), doctest::Contains("encoder"), Error);
}

TEST_CASE("a conditional prior reads the condition") {
  Context at{{{2}, Kind::kReal, Json::object()}, plain_data(3)};
  CHECK_THROWS_WITH_AS(heads().make(at, "conditional"), doctest::Contains("condition"), Error);
  at.data.c = {{5}, Kind::kReal, Json::object()};
  for (const auto& inner : {Json("normal"), Json{{"type", "flow"}, {"step", "planar"}}}) {
    const auto head = heads().make(at, {{"type", "conditional"}, {"head", inner}});
    CHECK(head->reads_condition());
    CHECK(head->input() == Shape{5});
    const auto c = torch::randn({7, 5});
    const auto p = (*head)(c);
    CHECK(p->sample().sizes() == torch::IntArrayRef({7, 2}));
    CHECK(p->row_log_prob(torch::zeros({7, 2})).std().item<double>() > 0);
    for (const auto& parameter : head->parameters()) CHECK(parameter.requires_grad());
  }
}

Data known_codes(const std::string& split) {
  DataOptions options;
  options.split = split;
  options.rows = 2000;
  return open_data("builtin:codes", options);
}

/// The zoo's spec with small_model networks.
Json small_model(const std::string& name, const Data& data) {
  Json spec = model_spec(name);
  const Json network = {{"type", "mlp"}, {"hidden", {32}}};
  spec["encoder"] = spec["decoder"] = network;
  for (const char* part : {"posterior", "prior"}) {
    if (!spec[part].is_object()) continue;
    if (spec[part]["type"] == "vamp") spec[part]["components"] = 16;
    const Json step = spec[part].value("step", Json());
    const bool named = step == "iaf" || step == "maf" || step == "realnvp" || step == "spline";
    if (named) spec[part]["step"] = {{"type", step}, {"hidden", {16}}};
    if (spec[part].contains("steps")) spec[part]["steps"] = 3;
  }
  if (name != "categorical_vae") spec["latent"]["size"] = 4;
  if (name == "categorical_vae") spec["latent"]["size"] = 40;
  return resolve(spec, data->schemas());
}

const std::vector<std::string>& zoo_names() {
  static const std::vector<std::string> names = {
      "vamp_vae",     "mixture_prior_vae", "realnvp_prior_vae",  "maf_prior_vae",
      "planar_vae",   "radial_vae",        "linear_flow_vae",    "householder_vae",
      "iaf_vae",      "sylvester_vae",     "spline_prior_vae",   "s_vae",
      "poincare_vae", "categorical_vae",   "full_covariance_vae"};
  return names;
}

void check_parameters(Model& model, Objective& objective, const Batch& batch) {
  std::set<void*> seen;
  for (const auto& p : model.parameters()) CHECK(seen.insert(p.unsafeGetTensorImpl()).second);
  objective.loss({model, batch, 0}).loss.backward();
  for (const auto& p : model.named_parameters()) {
    CAPTURE(p.key());
    REQUIRE(p.value().grad().defined());
    CHECK(p.value().grad().abs().sum().item<double>() > 0);
  }
  model.zero_grad();
}

void copy_state(Model& to, const Model& from) {
  torch::NoGradGuard no_gradient;
  for (auto& p : to.named_parameters()) p.value().copy_(from.named_parameters()[p.key()]);
  for (auto& b : to.named_buffers()) b.value().copy_(from.named_buffers()[b.key()]);
}

TEST_CASE("models with these priors and posteriors train to a bound above the entropy") {
  const auto train = known_codes("train"), test = known_codes("test");
  const double entropy = train->schemas().x.detail["entropy"].get<double>();
  for (const auto& name : zoo_names()) {
    CAPTURE(name);
    seed_torch(1);
    const auto spec = small_model(name, train);
    const auto [model, objective] = assemble(spec, train->schemas(), train->size());
    const auto batch = train->get(torch::arange(100));
    check_parameters(*model, *objective, batch);
    TrainOptions options;
    options.steps = 100;
    options.batch = 100;
    options.lr = Schedule("cosine(0.01, 0.001, 100)");
    Trainer(model, objective, options).fit(train, nullptr);
    model->eval();

    EvaluateOptions judge;
    judge.draws = 20;
    judge.rows = 500;
    const auto result = evaluate_density(*model, *test, judge, [](double) {});
    const double bound = result["negative_elbo"], likelihood = result["negative_log_likelihood"];
    const double error = result["negative_log_likelihood_standard_error"];
    CAPTURE(bound);
    CAPTURE(likelihood);
    CHECK(bound >= entropy - kStandardErrors * error);
    CHECK(likelihood >= entropy - kStandardErrors * error);
    CHECK(likelihood <= bound + kStandardErrors * error);
    // 16 independent bits cost 11.1 nats; all have learned something by now.
    CHECK(bound < 16 * std::log(2.0));

    const auto twin = build(spec, train->schemas());
    twin->eval();
    copy_state(*twin, *model);
    torch::NoGradGuard no_gradient;
    const auto outputs = [&](Model& m) {
      RandomScope scope(5);
      return log_ratio(m.infer(batch, 2), batch);
    };
    CHECK_CLOSE(outputs(*twin), outputs(*model), 0);
    CHECK(model->generate(9).x->mean().size(0) == 9);
  }
}

TEST_CASE("an evaluated relaxed code is one-hot and its bound is that of a discrete code") {
  const auto train = known_codes("train");
  const auto model = build(small_model("categorical_vae", train), train->schemas());
  model->eval();
  const auto batch = train->get(torch::arange(20));
  torch::NoGradGuard no_gradient;
  const auto trace = model->infer(batch, 3).trace;
  CHECK_CLOSE(trace.code, trace.code.round(), 0);
  CHECK_CLOSE(trace.sites[0].log_prior(), torch::full({60}, -4 * std::log(10.0)), kGoldenFloat);
  model->train();
  const auto soft = model->infer(batch, 1).trace.code;
  CHECK((soft - soft.round()).abs().max().item<double>() > 0.01);
}

}  // namespace
}  // namespace elbo

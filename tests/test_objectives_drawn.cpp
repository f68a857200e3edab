#include <cmath>
#include <functional>

#include "elbo/core/random.h"
#include "elbo/distributions/discrete.h"
#include "elbo/distributions/relaxed.h"
#include "elbo/eval/gradient_noise.h"
#include "elbo/model/site_values.h"
#include "elbo/model/spec.h"
#include "near.h"
#include "tolerance.h"

// Gradients of draws that carry none, against the gradients of sums over all codes.

namespace elbo {
namespace {

constexpr int64_t kLow = 3, kHigh = 2, kBits = 5, kCopies = 1000, kRounds = 100;

struct Belief {
  Schemas schemas;
  std::shared_ptr<Model> model;
  std::shared_ptr<Objective> objective;
  int64_t codes = int64_t{1} << (kLow + kHigh);
  Tensor x = torch::tensor({{1., 0., 1., 1., 0.}}, torch::kFloat32);

  explicit Belief(const Json& objective_spec, const Json& patch = Json::object()) {
    seed_torch(3);
    schemas.x = {{kBits}, Kind::kBinary, Json::object()};
    auto spec = default_spec();
    const Json latent{{"type", "stacked"}, {"sizes", {kLow, kHigh}}};
    spec.merge_patch({{"latent", patch.value("latent", latent)},
                      {"encoder", {{"type", "mlp"}, {"hidden", {4}}}},
                      {"decoder", {{"type", "mlp"}, {"hidden", {4}}}},
                      {"posterior", "bits"},
                      {"prior", "bits"},
                      {"likelihood", "bernoulli"},
                      {"objective", objective_spec}});
    spec.merge_patch(patch);
    auto made = assemble(spec, schemas, 1);
    model = made.model;
    objective = made.objective;
    // Beliefs that differ from one half, in which mistakes would hide.
    for (auto& p : model->parameters()) p.data().add_(0.7 * torch::randn_like(p));
    model->train();
  }

  std::vector<Tensor> gradients(const Tensor& loss) const {
    std::vector<Tensor> list;
    for (auto& p : model->parameters()) p.mutable_grad() = Tensor();
    loss.backward();
    for (const auto& p : model->parameters()) {
      list.push_back((p.grad().defined() ? p.grad() : torch::zeros_like(p)).to(torch::kFloat64));
    }
    return list;
  }
  Batch rows(int64_t n) const {
    Batch batch;
    batch.x = x.expand({n, kBits}).contiguous();
    return batch;
  }
};

Json one_layer(int64_t size) { return {{"latent", {{"type", "flat"}, {"size", size}}}}; }

/// Two groups of three classes in place of bits.
Json two_groups() {
  const Json classes{{"type", "one_hot"}, {"categories", 3}};
  return {{"latent", {{"type", "flat"}, {"size", 6}}}, {"posterior", classes}, {"prior", classes}};
}

/// All codes in place of draws, the first site's the quickest to change.
class AllCodes : public SiteValues {
 public:
  explicit AllCodes(int64_t rows) : rows_(rows) {}
  Tensor inferred(const std::string&, const Dist& q, const Dist&) override {
    const auto groups = dynamic_cast<const OneHotGroups*>(q.get());
    const auto logits = groups ? groups->logits : static_cast<const Bernoulli&>(*q).logits;
    const int64_t base = groups ? logits.size(2) : 2;
    std::vector<Tensor> places;
    for (int64_t k = 0; k < logits.size(1); ++k, step_ *= base) {
      places.push_back(torch::arange(rows_).div(step_, "floor").remainder(base));
    }
    const auto codes = torch::stack(places, 1);
    if (!groups) return codes.to(torch::kFloat32);
    return at::one_hot(codes, base).to(torch::kFloat32).flatten(1);
  }

 private:
  const int64_t rows_;
  int64_t step_ = 1;
};

/// log q and log w of all codes.
std::pair<Tensor, Tensor> weights_of_codes(const Belief& belief) {
  const AllCodes codes(belief.codes);
  const auto batch = belief.rows(belief.codes);
  const auto inference = belief.model->infer(batch, 1);
  auto log_q = torch::zeros({batch.size()});
  for (const auto& site : inference.trace.sites) log_q = log_q + site.log_posterior();
  return {log_q, log_ratio(inference, batch).flatten()};
}

Tensor exact_elbo(const Belief& belief) {
  const auto [log_q, log_w] = weights_of_codes(belief);
  CHECK(log_q.exp().sum().item<double>() == doctest::Approx(1));
  return (log_q.exp() * log_w).sum();
}

/// The bound of two draws.
Tensor exact_pair(const Belief& belief) {
  const auto [log_q, log_w] = weights_of_codes(belief);
  const auto q = log_q.exp();
  const auto bound = torch::logaddexp(log_w.unsqueeze(0), log_w.unsqueeze(1)) - std::log(2.0);
  return (q.unsqueeze(0) * q.unsqueeze(1) * bound).sum();
}

/// The mean over 10^5 draws lies within four standard errors of the truth, for every parameter.
void check_unbiased(const Json& objective, const std::function<Tensor(const Belief&)>& exact,
                    const Json& patch = Json::object(), int64_t codes = 1 << (kLow + kHigh)) {
  CAPTURE(objective.dump());
  CAPTURE(patch.dump());
  Belief belief(objective, patch);
  belief.codes = codes;
  const auto truth = belief.gradients(-exact(belief));
  const auto batch = belief.rows(kCopies);
  std::vector<Tensor> sum, squares;
  double bound = 0;
  for (int64_t round = 0; round < kRounds; ++round) {
    const auto terms = belief.objective->loss({*belief.model, batch, round});
    bound += terms.loss.item<double>() / kRounds;
    const auto found = belief.gradients(terms.loss);
    for (size_t i = 0; i < found.size(); ++i) {
      if (round == 0) sum.push_back(torch::zeros_like(found[i])), squares.push_back(sum[i].clone());
      sum[i] += found[i];
      squares[i] += found[i].square();
    }
  }
  CHECK(bound == doctest::Approx(-exact(belief).item<double>()).epsilon(0.01));
  for (size_t i = 0; i < sum.size(); ++i) {
    CAPTURE(i);
    const auto mean = sum[i] / kRounds;
    const auto error = ((squares[i] / kRounds - mean.square()).clamp_min(0) / (kRounds - 1)).sqrt();
    CHECK(((mean - truth[i]).abs() <= 4 * error + kRowsGradient).all().item<bool>());
    // Without a truth that is far from 0 nothing would be shown.
    CHECK(truth[i].abs().max().item<double>() > 1e-3);
  }
}

}  // namespace

TEST_CASE("estimators for draws without gradients are unbiased") {
  check_unbiased({{"type", "score_function"}, {"estimator", "leave_one_out"}, {"samples", 3}},
                 exact_elbo);
  check_unbiased({{"type", "score_function"}, {"estimator", "vimco"}, {"samples", 2}}, exact_pair);
  check_unbiased({{"type", "disarm"}}, exact_elbo);
  check_unbiased({{"type", "relax"}}, exact_elbo, one_layer(4), 16);
  check_unbiased({{"type", "relax"}}, exact_elbo, two_groups(), 9);
  check_unbiased({{"type", "score_function"}, {"estimator", "vimco"}, {"samples", 2}}, exact_pair,
                 two_groups(), 9);
}

TEST_CASE("more draws leave less noise in a gradient, and the model as it was") {
  const auto noise_of = [](int64_t samples) {
    const Belief belief(
        {{"type", "score_function"}, {"estimator", "leave_one_out"}, {"samples", samples}});
    belief.model->eval();
    const auto before = belief.model->parameters().front().clone();
    auto noise = gradient_noise(*belief.model, *belief.objective, belief.rows(20), 100);
    CHECK_CLOSE(belief.model->parameters().front(), before, 0);
    CHECK(!belief.model->is_training());
    CHECK(!belief.model->parameters().front().grad().defined());
    return noise;
  };
  const auto few = noise_of(2), many = noise_of(20);
  CHECK(many.inference.variance < 0.2 * few.inference.variance);
  CHECK(many.generative.variance < 0.2 * few.generative.variance);
  // The gradient that both estimate.
  CHECK(many.inference.square == doctest::Approx(few.inference.square).epsilon(0.1));
}

}  // namespace elbo

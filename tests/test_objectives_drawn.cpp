#include <cmath>
#include <functional>

#include "elbo/core/random.h"
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
  Tensor x = torch::tensor({{1., 0., 1., 1., 0.}}, torch::kFloat32);

  explicit Belief(const Json& objective_spec) {
    seed_torch(3);
    schemas.x = {{kBits}, Kind::kBinary, Json::object()};
    auto spec = default_spec();
    spec.merge_patch({{"latent", {{"type", "stacked"}, {"sizes", {kLow, kHigh}}}},
                      {"encoder", {{"type", "mlp"}, {"hidden", {4}}}},
                      {"decoder", {{"type", "mlp"}, {"hidden", {4}}}},
                      {"posterior", "bits"},
                      {"prior", "bits"},
                      {"likelihood", "bernoulli"},
                      {"objective", objective_spec}});
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

class AllCodes : public SiteValues {
 public:
  Tensor inferred(const std::string& site, const Dist&, const Dist&) override {
    const auto number = torch::arange(int64_t{1} << (kLow + kHigh));
    const auto bit = [&](int64_t k) {
      return number.div(int64_t{1} << k, "floor").remainder(2).to(torch::kFloat32);
    };
    std::vector<Tensor> bits;
    for (int64_t k = 0; k < (site == "z1" ? kLow : kHigh); ++k) {
      bits.push_back(bit(site == "z1" ? k : kLow + k));
    }
    return torch::stack(bits, 1);
  }
};

/// log q and log w of all codes.
std::pair<Tensor, Tensor> enumerated(const Belief& belief) {
  const AllCodes codes;
  const auto batch = belief.rows(int64_t{1} << (kLow + kHigh));
  const auto inference = belief.model->infer(batch, 1);
  auto log_q = torch::zeros({batch.size()});
  for (const auto& site : inference.trace.sites) log_q = log_q + site.log_posterior();
  return {log_q, log_ratio(inference, batch).flatten()};
}

Tensor exact_elbo(const Belief& belief) {
  const auto [log_q, log_w] = enumerated(belief);
  CHECK(log_q.exp().sum().item<double>() == doctest::Approx(1));
  return (log_q.exp() * log_w).sum();
}

/// The bound of two draws.
Tensor exact_pair(const Belief& belief) {
  const auto [log_q, log_w] = enumerated(belief);
  const auto q = log_q.exp();
  const auto bound = torch::logaddexp(log_w.unsqueeze(0), log_w.unsqueeze(1)) - std::log(2.0);
  return (q.unsqueeze(0) * q.unsqueeze(1) * bound).sum();
}

/// The mean over 10^5 draws lies within four standard errors of the truth, for every parameter.
void check_unbiased(const Json& objective, const std::function<Tensor(const Belief&)>& exact) {
  CAPTURE(objective.dump());
  Belief belief(objective);
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

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "elbo/data/column.h"
#include "elbo/distributions/columns.h"
#include "elbo/eval/completion.h"
#include "elbo/eval/row_score.h"
#include "elbo/export/parts.h"
#include "files.h"
#include "near.h"
#include "tolerance.h"
#include "toy.h"

// What a user's own distribution has to do with: tasks, export and priors know no list of families.

namespace elbo {
namespace {

/// Columns in pairs that share one scale: a joint density of each pair. loc: [B, D]; log_scale:
/// [B, D/2]; log_prob: [B, D/2].
struct Pairs : Distribution {
  Tensor loc, log_scale;
  Pairs(Tensor l, Tensor s) : loc(std::move(l)), log_scale(std::move(s)) {}

  Tensor log_prob(const Tensor& x) const override {
    const auto pairs = (x - loc).reshape({-1, log_scale.size(-1), 2});
    const auto t = pairs * (-log_scale).exp().unsqueeze(-1);
    return -0.5 * t.square().sum(-1) - 2 * log_scale - std::log(2 * M_PI);
  }
  /// A hidden column of a pair is summed out.
  Tensor row_log_prob(const Tensor& x, const Tensor& mask) const override {
    const auto wide = log_scale.repeat_interleave(2, -1);
    const auto t = (x - loc) * (-wide).exp();
    return row_sum(-0.5 * t.square() - wide - 0.5 * std::log(2 * M_PI), mask);
  }
  Tensor sample(torch::IntArrayRef prefix) const override {
    const auto scale = log_scale.exp().repeat_interleave(2, -1);
    return loc + scale * torch::randn(draw_shape(prefix, loc.sizes()), loc.options());
  }
  Tensor mean() const override { return loc; }
  /// A whole number.
  Tensor typical(const Particles& of) const override { return of.mixed(of.within(loc)).round(); }
  NamedTensors parameters() const override { return {{"loc", loc}, {"log_pair", log_scale}}; }
};

/// The hyperbolic secant: nothing but what every distribution must have.
struct Secant : Distribution {
  Tensor loc, scale;
  Secant(Tensor l, Tensor s) : loc(std::move(l)), scale(std::move(s)) {}

  Tensor log_prob(const Tensor& x) const override {
    const auto t = (x - loc).abs() / scale * M_PI_2;
    return -(t + torch::log1p(torch::exp(-2 * t))) - scale.log();
  }
  Tensor sample(torch::IntArrayRef prefix) const override {
    const auto u = open_uniform(draw_shape(prefix, loc.sizes()), loc.options());
    return loc + scale * (2 / M_PI) * torch::log(torch::tan(u * M_PI_2));
  }
  Tensor mean() const override { return loc; }
};

/// The first numbers of the features as a location, the next ones as a log scale.
template <class D>
class OwnHead : public Head {
 public:
  OwnHead(int64_t features, int64_t locs, int64_t scales)
      : features_(features), locs_(locs), scales_(scales) {}
  Dist operator()(const Tensor& h) override {
    const auto second = 0.5 * h.narrow(1, locs_, scales_).tanh();
    const bool logs = std::is_same_v<D, Pairs>;
    return std::make_shared<D>(h.narrow(1, 0, locs_), logs ? second : second.exp());
  }
  Shape input() const override { return {features_}; }

 private:
  int64_t features_, locs_, scales_;
};

/// The toy table and a model whose likelihood is Pairs of its six columns.
struct OwnModel {
  Toy toy;
  std::shared_ptr<Model> model;

  // A normal with a scale of its own for each number reads twelve features; Pairs read nine of
  // them.
  OwnModel() : toy(toy_spec({{"likelihood", {{"scale", "output"}}}}), toy_table()) {
    model = std::make_shared<Model>(toy.model->latent, toy.model->decoder,
                                    std::make_shared<OwnHead<Pairs>>(12, 6, 3));
    model->eval();
  }
};

TEST_CASE("an own likelihood of pairs fills cells with what it says is typical, within bounds") {
  const OwnModel own;
  Column column;
  column.type = "real";
  column.low = 2;
  column.high = 18;
  const std::vector<Column> columns(6, column);
  const auto found = complete(*own.model, own.toy.all(), columns, {50, 3, 0.9});
  CHECK(found.value.sizes() == torch::IntArrayRef({256, 6}));
  CHECK_CLOSE(found.value, found.value.round(), 0);
  CHECK(found.value.min().item<double>() >= 2);
  CHECK(found.draws.sizes() == torch::IntArrayRef({3, 256, 6}));
  CHECK((found.low <= found.high).all().item<bool>());
}

TEST_CASE("an own likelihood of pairs scores rows and names causes by column") {
  const OwnModel own;
  RowScorer scorer(own.model, own.toy.data->schemas(), {});
  scorer.calibrate(*own.toy.data, [](double) {});
  const auto scores = scorer.scores(own.toy.all());
  CHECK(scores.numel() == 256);
  CHECK(scores.isfinite().all().item<bool>());
  const auto causes = scorer.causes(own.toy.all());
  CHECK(causes.excess.sizes() == torch::IntArrayRef({256, 6}));
  CHECK(causes.excess.isfinite().all().item<bool>());
}

TEST_CASE("an own likelihood gives its parameters to the exported decoder") {
  const OwnModel own;
  torch::NoGradGuard no_gradient;
  const auto parts = model_parts(own.model, own.toy.data->schemas());
  const auto decoder = std::find_if(parts.begin(), parts.end(),
                                    [](const ModelPart& part) { return part.name == "decoder"; });
  REQUIRE(decoder != parts.end());
  std::vector<std::string> names;
  for (const auto& [name, value] : decoder->compute({torch::randn({3, 3})}, 3)) {
    names.push_back(name);
    CHECK(value.size(0) == 3);
  }
  CHECK(names == std::vector<std::string>{"mean", "loc", "log_pair"});
}

TEST_CASE("a vamp prior mixes own posteriors whose density splits, and refuses those of pairs") {
  const auto data = toy_table()->schemas();
  auto variable = data.x;
  variable.shape = {4};
  Context at{variable, data};
  const auto vamp = [&](std::shared_ptr<Head> posterior) {
    at.posterior = std::move(posterior);
    at.encoder = make_encoder({{"type", "mlp"}, {"hidden", {8}}}, data, at.posterior->input(), 0);
    return heads().make(at, {{"type", "vamp"}, {"components", 5}});
  };
  const auto head = vamp(std::make_shared<OwnHead<Secant>>(8, 4, 4));
  const auto q = (*at.posterior)(at.encoder->forward(head->parameters()[0]));
  CHECK(q->factorises());
  const auto x = torch::randn({6, 4});
  const auto each = row_sum(q->log_prob(x.unsqueeze(1)).flatten(0, 1)).view({6, 5});
  CHECK_CLOSE((*head)(Tensor())->log_prob(x), each.logsumexp(1) - std::log(5), kFloatSums);

  const auto pairs = vamp(std::make_shared<OwnHead<Pairs>>(8, 4, 2));
  const auto message = error_of([&] { (*pairs)(Tensor()); });
  CHECK(message.find("must split into dimensions") != std::string::npos);
}

TEST_CASE("what is typical of a mixture of particles: mean, likeliest class, median grade") {
  const auto w = torch::tensor({0.25F, 0.75F}).view({2, 1});  // two particles of one row
  const auto low = torch::tensor({0.0F}), high = torch::tensor({10.0F});
  const Secant line(torch::tensor({4.0F, 1000.0F}).view({2, 1}), torch::ones({2, 1}));
  CHECK_CLOSE(line.typical({w, low, high}), torch::full({1, 1}, 0.25 * 4 + 0.75 * 10), kFloatSums);
  const Distribution& any = line;
  CHECK_CLOSE(any.typical(), line.mean(), 0);
  // Alone each particle has another likeliest class than the two together.
  const auto p = torch::tensor({0.6F, 0.0F, 0.4F, 0.2F, 0.5F, 0.3F}).view({2, 1, 3});
  const auto logits = p.clamp_min(1e-30).log();
  CHECK(Categorical(logits).typical({w, {}, {}}).item<double>() == 1);  // 0.3, 0.375, 0.325
  CHECK(Ordinal(logits).typical({w, {}, {}}).item<double>() == 1);
  const auto equal = torch::tensor({0.5F, 0.5F}).view({2, 1});
  CHECK(Categorical(logits).typical({equal, {}, {}}).item<double>() == 0);  // 0.4, 0.25, 0.35
  CHECK(Ordinal(logits).typical({equal, {}, {}}).item<double>() == 1);
}

}  // namespace
}  // namespace elbo

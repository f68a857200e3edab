#include <torch/csrc/autograd/autograd.h>

#include "distributions_table.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

const Json& golden_dist() {
  static const Json j = golden("distributions.json");
  return j;
}

TEST_CASE("log_prob, mean and deviation are the golden values") {
  for (const auto& k : kinds()) {
    CAPTURE(k.name);
    const Json& entry = golden_dist().at("distributions").at(k.name);
    for (auto [type, tolerance] :
         {std::pair{torch::kFloat64, kGoldenDouble}, std::pair{torch::kFloat32, kGoldenFloat}}) {
      const auto d = k.make(to_parameters(entry.at("parameters"), type));
      const auto x = golden_x(entry).to(type);
      CHECK_CLOSE(d->log_prob(x), to_tensor(entry.at("log_prob")), tolerance);
      if (entry.contains("mean")) CHECK_CLOSE(d->mean(), to_tensor(entry["mean"]), tolerance);
      if (entry.contains("stddev")) CHECK_CLOSE(d->stddev(), to_tensor(entry["stddev"]), tolerance);
    }
  }
}

TEST_CASE("a mixture of discretised logistics is the golden value") {
  const Json& entry = golden_dist().at("distributions").at("logistic_mixture");
  const auto p = to_parameters(entry.at("parameters"));
  const auto x = to_tensor(entry.at("x"));  // [rows, 3 channels]
  const int64_t rows = x.size(0);
  const auto spread = [&](const Tensor& t) {  // [K, C] -> [B, K, C, 1]
    return t.unsqueeze(0).unsqueeze(-1).expand({rows, 2, 3, 1});
  };
  const LogisticMixture d(p.at("logits").view({1, 2, 1}).expand({rows, 2, 1}), spread(p.at("loc")),
                          Log(spread(p.at("scale").log())), {3, 1, 1});
  const auto image = x.view({rows, 3, 1, 1});
  CHECK_CLOSE(d.log_prob(image).flatten(), to_tensor(entry.at("log_prob")), kGoldenDouble);
  CHECK(d.sample().sizes() == image.sizes());
  CHECK(d.sample({5}).sizes() == torch::IntArrayRef({5, rows, 3, 1, 1}));
  CHECK(d.mean().sizes() == image.sizes());

  // A hidden channel is summed out over its levels.
  auto mask = torch::ones_like(image);
  mask.select(1, 2).zero_();
  auto total = torch::full({rows}, -INFINITY, torch::kFloat64);
  for (int level = 0; level < 256; ++level) {
    auto filled = image.clone();
    filled.select(1, 2).fill_(level / 255.0);
    total = torch::logaddexp(total, d.row_log_prob(filled));
  }
  CHECK_CLOSE(d.row_log_prob(image, mask), total, kGoldenDouble);
}

TEST_CASE("gradients of log_prob are those of finite differences") {
  for (const auto& k : kinds()) {
    const Json& entry = golden_dist().at("distributions").at(k.name);
    const auto x = golden_x(entry);
    auto parameters = to_parameters(entry.at("parameters"));
    for (auto& [name, value] : parameters) {
      CAPTURE(k.name);
      CAPTURE(name);
      auto with = parameters;
      with[name] = value.clone().requires_grad_();
      // Rows of parameter points are independent: one difference serves all.
      const auto score = [&](const Tensor& v) {
        auto at = parameters;
        at[name] = v;
        return k.make(at)->log_prob(x).sum(0);
      };
      k.make(with)->log_prob(x).sum().backward();
      for (int64_t column = 0; column < (value.dim() > 1 ? value.size(1) : 1); ++column) {
        auto direction = torch::zeros_like(value);
        auto moved = value.dim() > 1 ? direction.select(1, column) : direction;
        const auto own = value.dim() > 1 ? value.select(1, column) : value;
        const auto h = 1e-4 * own.abs().clamp_min(1e-2);
        moved.copy_(h);
        const auto slope = [&](double f) {
          return (score(value + f * direction) - score(value - f * direction)) / (2 * f * h);
        };
        const auto numeric = (4 * slope(0.5) - slope(1)) / 3;
        const auto grad = value.dim() > 1 ? with[name].grad().select(1, column) : with[name].grad();
        CHECK_CLOSE(grad, numeric, kFiniteDifference);
      }
    }
  }
}

/// Points that cover the support, and the volume (or 1) that each stands for.
struct Grid {
  Tensor x, volume;
  bool discrete;
};

Grid grid(Support support, const Dist& d) {
  const auto options = torch::TensorOptions(torch::kFloat64);
  const int64_t n = 200000;
  const auto t = (torch::arange(n, options) + 0.5) / n;
  switch (support) {
    case Support::kReal: {
      const auto s = 2 * t - 1, scale = 2 * d->stddev();
      const auto gap = 1 - s * s;
      return {d->mean() + scale * s / gap, scale * (1 + s * s) / (gap * gap) * 2 / n, false};
    }
    case Support::kUnit:
      return {t * t * (3 - 2 * t), 6 * t * (1 - t) / n, false};
    case Support::kPositive: {
      const auto odds = t / (1 - t);
      return {d->mean() * odds.pow(4), d->mean() * 4 * odds.pow(3) / ((1 - t) * (1 - t)) / n,
              false};
    }
    case Support::kCount:
      return {torch::arange(4000, options), torch::ones({4000}, options), true};
    case Support::kClass:
      return {torch::arange(3, options), torch::ones({3}, options), true};
    case Support::kBit:
      return {torch::arange(2, options), torch::ones({2}, options), true};
    case Support::kLevel:
      return {torch::arange(256, options) / 255, torch::ones({256}, options), true};
  }
  return {};
}

TEST_CASE("densities integrate to 1, masses sum to 1") {
  for (const auto& k : kinds()) {
    for (const auto& point : points(golden_dist().at("distributions").at(k.name))) {
      CAPTURE(k.name);
      const auto d = k.make(point);
      const auto g = grid(k.support, d);
      const double total =
          (d->log_prob(g.x.unsqueeze(1)).squeeze(1).exp() * g.volume).sum().item<double>();
      CHECK_CLOSE(total, 1.0, g.discrete ? kGoldenDouble : kIntegral);
    }
  }
}

/// The probability that draws of this density fit as badly as these: chi-square over cells of
/// about equal mass.
double fit(const Grid& g, const Tensor& mass, const Tensor& draws) {
  constexpr int64_t kCells = 40;
  const auto x = g.x.contiguous(), m = mass.contiguous();
  std::vector<double> edges, expected;
  double cell = 0, rest = mass.sum().item<double>();
  for (int64_t i = 0; i + 1 < x.numel(); ++i) {
    cell += m[i].item<double>();
    if (cell < 1.0 / kCells || rest - cell < 0.5 / kCells) continue;
    edges.push_back(0.5 * (x[i].item<double>() + x[i + 1].item<double>()));
    expected.push_back(cell);
    rest -= cell;
    cell = 0;
  }
  expected.push_back(rest);
  const auto cells = static_cast<int64_t>(expected.size());
  if (cells < 2) return 1;
  const auto index = torch::searchsorted(torch::tensor(edges, torch::kFloat64),
                                         draws.to(torch::kFloat64).contiguous());
  const auto counts = torch::bincount(index, {}, cells).to(torch::kFloat64);
  const auto wanted = torch::tensor(expected, torch::kFloat64) * draws.numel();
  const auto statistic = ((counts - wanted).square() / wanted).sum();
  const auto half_freedom = torch::full({}, 0.5 * (cells - 1), torch::kFloat64);
  return at::special_gammaincc(half_freedom, 0.5 * statistic).item<double>();
}

TEST_CASE("draws fit their density") {
  for (const auto& k : kinds()) {
    for (const auto& point : points(golden_dist().at("distributions").at(k.name))) {
      CAPTURE(k.name);
      const auto d = k.make(point);
      const auto g = grid(k.support, d);
      const auto mass = d->log_prob(g.x.unsqueeze(1)).squeeze(1).exp() * g.volume;
      CHECK(fit(g, mass, d->sample({20000}).flatten()) > kChiSquare);
    }
  }
}

TEST_CASE("draws have the prefix and the parameters' shape, and the type of the parameters") {
  for (const auto& k : kinds()) {
    CAPTURE(k.name);
    const Json& entry = golden_dist().at("distributions").at(k.name);
    const auto d = k.make(to_parameters(entry.at("parameters"), torch::kFloat32));
    const auto count = entry["log_prob"][0].size();
    const auto one = d->sample(), many = d->sample({4, 3});
    CHECK(one.sizes() == torch::IntArrayRef({static_cast<int64_t>(count)}));
    CHECK(many.sizes() == torch::IntArrayRef({4, 3, static_cast<int64_t>(count)}));
    CHECK((many.scalar_type() == torch::kFloat32));
    CHECK(d->log_prob(many).isfinite().all().item<bool>());
  }
}

TEST_CASE("the gradient of a reparameterised draw is that of the mean on average") {
  constexpr int64_t kDraws = 20000;
  for (const auto& k : kinds()) {
    for (const auto& point : points(golden_dist().at("distributions").at(k.name))) {
      if (!k.make(point)->reparameterized()) continue;
      for (const auto& [name, value] : point) {
        CAPTURE(k.name);
        CAPTURE(name);
        auto leaves = point;
        leaves[name] = value.expand({kDraws}).clone().requires_grad_();
        k.make(leaves)->sample().sum().backward();
        const auto each = leaves[name].grad();
        leaves[name] = value.clone().requires_grad_();
        const auto mean = k.make(leaves)->mean();
        const auto slope =
            mean.requires_grad()
                ? torch::autograd::grad({mean.sum()}, {leaves[name]}, {}, {}, false, true)[0]
                : Tensor();
        const double wanted = slope.defined() ? slope.item<double>() : 0;
        const double error = each.std().item<double>() / std::sqrt(double(kDraws));
        CHECK(std::abs(each.mean().item<double>() - wanted) <=
              kStandardErrors * error + kGoldenDouble);
      }
    }
  }
}

TEST_CASE("detached distributions have the same density and no gradient") {
  for (const auto& k : kinds()) {
    CAPTURE(k.name);
    const Json& entry = golden_dist().at("distributions").at(k.name);
    auto parameters = to_parameters(entry.at("parameters"));
    for (auto& [name, value] : parameters) value.requires_grad_();
    const auto d = k.make(parameters);
    const auto x = golden_x(entry);
    REQUIRE(d->detached());
    CHECK(d->log_prob(x).requires_grad());
    CHECK_FALSE(d->detached()->log_prob(x).requires_grad());
    CHECK_CLOSE(d->detached()->log_prob(x), d->log_prob(x), 0);
  }
}

TEST_CASE("a bad parameter is an error that names it") {
  for (const auto& k : kinds()) {
    const Json& entry = golden_dist().at("distributions").at(k.name);
    const auto good = to_parameters(entry.at("parameters"));
    const auto refused = [&](const std::string& name, double value) {
      auto bad = good;
      bad[name] = bad[name].clone();
      bad[name].flatten()[0] = value;
      CAPTURE(k.name);
      CAPTURE(name);
      try {
        k.make(bad);
        FAIL("accepted");
      } catch (const Error& e) {
        // An interval is checked by its length.
        CHECK(std::string(e.what()).find(name) != std::string::npos);
      }
    };
    for (const auto& [name, value] : good) refused(name, NAN);
    for (const auto& name : k.positive) refused(name, -1);
  }
}

}  // namespace
}  // namespace elbo

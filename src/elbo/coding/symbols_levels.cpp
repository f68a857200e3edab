#include <algorithm>
#include <cmath>

#include "elbo/coding/symbols.h"
#include "elbo/core/error.h"
#include "elbo/distributions/discrete.h"
#include "elbo/exact/arrays.h"
#include "elbo/exact/math.h"

namespace elbo {
namespace {

constexpr int kLevels = 256, kProbes = 8;
constexpr double kLowestLevelScale = -7;  // of logarithms, as the distribution has it

/// One site of a picture: weighed logistics for each channel.
struct LevelSite {
  std::vector<double> weights;           // [K]
  std::vector<double> centres, inverse;  // [K] of the present channel
  std::vector<double> masses;            // below the ends that are looked at

  /// The upper edge of a level, in units of component k; infinite beyond the levels.
  double edge(size_t k, int level) const {
    if (level < 0) return -HUGE_VAL;
    if (level >= kLevels - 1) return HUGE_VAL;
    return (((2 * level + 1) / 255.0 - 1) - centres[k]) * inverse[k];
  }

  /// Places before the ends of at most kProbes levels: rising by two at least from each level to
  /// the next, whatever rounding does to the mass.
  void ends_of(const int* levels, int count, uint32_t* ends) {
    const size_t probes = static_cast<size_t>(count);
    masses.resize(weights.size() * probes);
    for (size_t k = 0; k < weights.size(); ++k) {
      for (size_t i = 0; i < probes; ++i) masses[k * probes + i] = edge(k, levels[i]);
    }
    exact::sigmoid(masses.data(), masses.data(), static_cast<int64_t>(masses.size()));
    for (size_t i = 0; i < probes; ++i) {
      if (levels[i] < 0 || levels[i] >= kLevels - 1) {
        ends[i] = levels[i] < 0 ? 0 : 1U << kSymbolBits;
        continue;
      }
      double mass = 0;
      for (size_t k = 0; k < weights.size(); ++k) mass += weights[k] * masses[k * probes + i];
      constexpr double kShared = (1U << kSymbolBits) - 4 * kLevels;
      ends[i] = static_cast<uint32_t>(std::fmin(mass, 1) * kShared) +
                2 * static_cast<uint32_t>(levels[i] + 1);
    }
  }

  Interval interval(int level) {
    const int levels[] = {level - 1, level};
    uint32_t ends[2];
    ends_of(levels, 2, ends);
    return {ends[0], ends[1] - ends[0]};
  }

  struct Found {
    int level;
    Interval places;
  };
  /// The level that holds a place: kProbes at a time narrow it down, the first of them both ends,
  /// which most pictures have much of.
  Found holding(uint32_t place) {
    int low = -1, high = kLevels - 1;  // place lies beyond the end of one, before that of the other
    uint32_t before = 0, end = 1U << kSymbolBits;
    while (high - low > 1) {
      int levels[kProbes];
      uint32_t ends[kProbes];
      const int between = high - low - 1, count = std::min(between, kProbes);
      for (int i = 0; i < count; ++i) {
        levels[i] = low + 1 + (count > 1 ? i * (between - 1) / (count - 1) : 0);
      }
      ends_of(levels, count, ends);
      int i = 0;
      while (i < count && place >= ends[i]) ++i;
      if (i > 0) low = levels[i - 1], before = ends[i - 1];
      if (i < count) high = levels[i], end = ends[i];
    }
    return {high, {before, end - before}};
  }

  /// What a channel's level says of the components, which the site's channels share.
  void learn(int level) {
    if (weights.size() == 1) return;
    const auto below = [&](size_t k, int l) { return exact::sigmoid(edge(k, l)); };
    double sum = 0;
    for (size_t k = 0; k < weights.size(); ++k) {
      constexpr double kLeast = 1e-12;
      sum += weights[k] *= below(k, level) - below(k, level - 1) + kLeast;
    }
    for (auto& weight : weights) weight /= sum;
  }
};

/// Levels 0 to 255 of [n, C, P]: P sites of C channels; logits [n, K, P], places [n, K, C, P],
/// coupling [n, K, C (C - 1) / 2, P] or undefined.
class LevelSymbols : public Symbols {
 public:
  LevelSymbols(const Tensor& logits, const Tensor& loc, const Tensor& log_scale, const Shape& shape,
               const Tensor& coupling = Tensor())
      : weights_(logits.to(torch::kFloat64)),
        loc_(loc.to(torch::kFloat64).contiguous()),
        coupling_(coupling.defined() ? coupling.to(torch::kFloat64).contiguous() : coupling),
        inverse_(-log_scale.to(torch::kFloat64).clamp_min(kLowestLevelScale).contiguous()),
        shape_(with_rows(loc.size(0), shape)) {
    weights_ = (weights_ - weights_.amax({1}, true)).contiguous();
    for (auto* numbers : {&weights_, &inverse_}) {
      auto* x = numbers->data_ptr<double>();
      exact::exp(x, x, numbers->numel());
    }
  }

  std::vector<Interval> intervals(const Tensor& x) const override {
    const auto levels = (x.to(torch::kFloat64) * 255).round().to(torch::kInt64).contiguous();
    const auto* given = levels.data_ptr<int64_t>();
    check((levels >= 0).logical_and(levels < kLevels).all().item<bool>(),
          "[compress] level: beyond 0 to 255");
    std::vector<Interval> all;
    all.reserve(static_cast<size_t>(levels.numel()));
    each_site([&](LevelSite& site, int64_t at) {
      const auto level = static_cast<int>(given[at]);
      all.push_back(site.interval(level));
      return level;
    });
    return all;
  }

  Tensor read(AnsStack& from) const override {
    auto x = torch::empty(shape_, torch::kFloat32);
    auto* to = x.data_ptr<float>();
    each_site([&](LevelSite& site, int64_t at) {
      const auto found = site.holding(from.peek(kSymbolBits));
      from.pop(found.places.start, found.places.frequency, kSymbolBits);
      to[at] = static_cast<float>(found.level) / 255;
      return found.level;
    });
    return x;
  }

 private:
  /// f(site, place of the channel's element in [n, C, P]) gives its level.
  template <class F>
  void each_site(F f) const {
    const int64_t n = loc_.size(0), k = loc_.size(1), channels = loc_.size(2), p = loc_.size(3);
    const auto *weights = weights_.data_ptr<double>(), *loc = loc_.data_ptr<double>(),
               *inverse = inverse_.data_ptr<double>();
    LevelSite site;
    std::vector<double> values(static_cast<size_t>(channels));  // of a site, on [-1, 1]
    for (int64_t r = 0; r < n; ++r) {
      for (int64_t i = 0; i < p; ++i) {
        weigh(site, weights + r * k * p + i, k, p);
        for (int64_t c = 0; c < channels; ++c) {
          for (int64_t j = 0; j < k; ++j) {
            const int64_t at = ((r * k + j) * channels + c) * p + i;
            site.centres[static_cast<size_t>(j)] = loc[at] + moved(values, r * k + j, c, i);
            site.inverse[static_cast<size_t>(j)] = inverse[at];
          }
          const int level = f(site, (r * channels + c) * p + i);
          values[static_cast<size_t>(c)] = 2 * level / 255.0 - 1;
          if (c + 1 < channels) site.learn(level);
        }
      }
    }
  }

  /// How far the channels before move channel c of a component, at site i.
  double moved(const std::vector<double>& values, int64_t component, int64_t c, int64_t i) const {
    if (!coupling_.defined()) return 0;
    const auto* by = coupling_.data_ptr<double>();
    const int64_t pairs = coupling_.size(2), p = coupling_.size(3);
    double sum = 0;
    for (int64_t before = 0; before < c; ++before) {
      sum += by[(component * pairs + c * (c - 1) / 2 + before) * p + i] *
             values[static_cast<size_t>(before)];
    }
    return sum;
  }

  /// Weights that lie `stride` apart, as shares.
  static void weigh(LevelSite& site, const double* weights, int64_t k, int64_t stride) {
    const auto count = static_cast<size_t>(k);
    site.weights.resize(count);
    site.centres.resize(count);
    site.inverse.resize(count);
    double sum = 0;
    for (size_t j = 0; j < count; ++j) {
      sum += site.weights[j] = weights[static_cast<int64_t>(j) * stride];
    }
    for (auto& weight : site.weights) weight /= sum;
  }

  Tensor weights_, loc_, coupling_, inverse_;  // weights: of components, not yet shares
  Shape shape_;
};

const bool levels_added = add_symbols<DiscretizedLogistic>(
    [](const DiscretizedLogistic& p, int64_t n) -> std::unique_ptr<Symbols> {
      auto shape = broadcast_shape(p.loc, p.log_scale);
      shape[0] = n;
      const auto flat = [&](const Tensor& t) { return t.expand(shape).reshape({n, 1, 1, -1}); };
      const auto loc = flat(p.loc);
      return std::make_unique<LevelSymbols>(torch::zeros({n, 1, loc.size(3)}), loc,
                                            flat(p.log_scale),
                                            Shape(shape.begin() + 1, shape.end()));
    });

const bool mixture_added =
    add_symbols<LogisticMixture>([](const LogisticMixture& p, int64_t) -> std::unique_ptr<Symbols> {
      return std::make_unique<LevelSymbols>(p.logits, p.loc, p.log_scale, p.shape, p.coupling);
    });

}  // namespace
}  // namespace elbo

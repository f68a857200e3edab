#include <cmath>

#include "elbo/coding/symbols.h"
#include "elbo/core/error.h"
#include "elbo/distributions/discrete.h"
#include "elbo/exact/math.h"

namespace elbo {
namespace {

constexpr int kLevels = 256;
constexpr double kLowestLevelScale = -7;  // of logarithms, as the distribution has it

/// One site of a picture: weighed logistics for each channel.
struct LevelSite {
  std::vector<double> weights;           // [K]
  std::vector<double> centres, inverse;  // [K] of the present channel

  /// Mass of component k below the upper edge of a level.
  double below(size_t k, int level) const {
    if (level < 0) return 0;
    if (level >= kLevels - 1) return 1;
    return exact::sigmoid((((2 * level + 1) / 255.0 - 1) - centres[k]) * inverse[k]);
  }

  /// Places before the end of a level: rising by two at least, whatever rounding does to the mass.
  uint32_t end_of(int level) const {
    if (level < 0) return 0;
    if (level >= kLevels - 1) return 1U << kSymbolBits;
    double mass = 0;
    for (size_t k = 0; k < weights.size(); ++k) mass += weights[k] * below(k, level);
    constexpr double kShared = (1U << kSymbolBits) - 4 * kLevels;
    return static_cast<uint32_t>(std::fmin(mass, 1) * kShared) +
           2 * static_cast<uint32_t>(level + 1);
  }

  Interval interval(int level) const {
    const uint32_t start = end_of(level - 1);
    return {start, end_of(level) - start};
  }

  /// The level that holds a place; most pictures have much of both ends.
  int level_at(uint32_t place) const {
    if (place < end_of(0)) return 0;
    if (place >= end_of(kLevels - 2)) return kLevels - 1;
    int low = 1, high = kLevels - 2;
    while (low < high) {
      const int middle = (low + high) / 2;
      if (place < end_of(middle)) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  /// What a channel's level says of the components, which the site's channels share.
  void learn(int level) {
    if (weights.size() == 1) return;
    double sum = 0;
    for (size_t k = 0; k < weights.size(); ++k) {
      constexpr double kLeast = 1e-12;
      sum += weights[k] *= below(k, level) - below(k, level - 1) + kLeast;
    }
    for (auto& weight : weights) weight /= sum;
  }
};

/// Levels 0 to 255 of [n, C, P]: P sites of C channels; logits [n, K, P], places [n, K, C, P].
class LevelSymbols : public Symbols {
 public:
  LevelSymbols(const Tensor& logits, const Tensor& loc, const Tensor& log_scale, const Shape& shape)
      : logits_(logits.to(torch::kFloat64).contiguous()),
        loc_(loc.to(torch::kFloat64).contiguous()),
        log_scale_(log_scale.to(torch::kFloat64).contiguous()),
        shape_(with_rows(loc.size(0), shape)) {}

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
      const int level = site.level_at(from.peek(kSymbolBits));
      const auto place = site.interval(level);
      from.pop(place.start, place.frequency, kSymbolBits);
      to[at] = static_cast<float>(level) / 255;
      return level;
    });
    return x;
  }

 private:
  /// f(site, place of the channel's element in [n, C, P]) gives its level.
  template <class F>
  void each_site(F f) const {
    const int64_t n = loc_.size(0), k = loc_.size(1), channels = loc_.size(2), p = loc_.size(3);
    const auto *logit = logits_.data_ptr<double>(), *loc = loc_.data_ptr<double>(),
               *log_scale = log_scale_.data_ptr<double>();
    LevelSite site;
    for (int64_t r = 0; r < n; ++r) {
      for (int64_t i = 0; i < p; ++i) {
        weigh(site, logit + r * k * p + i, k, p);
        for (int64_t c = 0; c < channels; ++c) {
          for (int64_t j = 0; j < k; ++j) {
            const int64_t at = ((r * k + j) * channels + c) * p + i;
            site.centres[static_cast<size_t>(j)] = loc[at];
            site.inverse[static_cast<size_t>(j)] =
                exact::exp(-std::fmax(log_scale[at], kLowestLevelScale));
          }
          const int level = f(site, (r * channels + c) * p + i);
          if (c + 1 < channels) site.learn(level);
        }
      }
    }
  }

  /// Weights by logits that lie `stride` apart.
  static void weigh(LevelSite& site, const double* logits, int64_t k, int64_t stride) {
    const auto count = static_cast<size_t>(k);
    site.weights.assign(count, 1);
    site.centres.resize(count);
    site.inverse.resize(count);
    if (k == 1) return;
    double most = logits[0], sum = 0;
    for (int64_t j = 1; j < k; ++j) most = std::fmax(most, logits[j * stride]);
    for (int64_t j = 0; j < k; ++j) {
      sum += site.weights[static_cast<size_t>(j)] = exact::exp(logits[j * stride] - most);
    }
    for (auto& weight : site.weights) weight /= sum;
  }

  Tensor logits_, loc_, log_scale_;
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
      return std::make_unique<LevelSymbols>(p.logits, p.loc, p.log_scale, p.shape);
    });

}  // namespace
}  // namespace elbo

#include <cmath>

#include "elbo/coding/symbols.h"
#include "elbo/core/error.h"
#include "elbo/distributions/discrete.h"
#include "elbo/exact/arrays.h"

namespace elbo {
namespace {

/// Bits by their log odds.
class BitSymbols : public Symbols {
 public:
  explicit BitSymbols(const Tensor& logits)
      : shares_(logits.to(torch::kFloat64).contiguous().clone()) {
    auto* numbers = shares_.data_ptr<double>();
    exact::sigmoid(numbers, numbers, shares_.numel());
  }

  std::vector<Interval> intervals(const Tensor& x) const override {
    const auto bits = x.to(torch::kFloat32).contiguous();
    const auto* given = bits.data_ptr<float>();
    const auto* share = shares_.data_ptr<double>();
    std::vector<Interval> all;
    all.reserve(static_cast<size_t>(bits.numel()));
    for (int64_t i = 0; i < bits.numel(); ++i) {
      check(given[i] == 0 || given[i] == 1, "[compress] value: found ", given[i],
            ", this model knows 0 and 1 alone; grey levels need --likelihood discretized_logistic "
            "and --binarize none");
      const uint32_t ones = ones_of(share[i]);
      all.push_back(given[i] == 1 ? Interval{kAll - ones, ones} : Interval{0, kAll - ones});
    }
    return all;
  }

  Tensor read(AnsStack& from) const override {
    auto x = torch::empty(shares_.sizes(), torch::kFloat32);
    auto* to = x.data_ptr<float>();
    const auto* share = shares_.data_ptr<double>();
    for (int64_t i = 0; i < x.numel(); ++i) {
      const uint32_t ones = ones_of(share[i]), zeros = kAll - ones;
      const bool one = from.peek(kSymbolBits) >= zeros;
      to[i] = one ? 1 : 0;
      from.pop(one ? zeros : 0, one ? ones : zeros, kSymbolBits);
    }
    return x;
  }

 private:
  static constexpr uint32_t kAll = 1U << kSymbolBits;

  static uint32_t ones_of(double share) {
    const double places = std::floor(share * kAll + 0.5);
    return static_cast<uint32_t>(std::fmin(std::fmax(places, 1), kAll - 1));
  }

  Tensor shares_;  // of ones
};

const bool bits_added = add_symbols<Bernoulli>([](const Bernoulli& p, int64_t n) {
  auto shape = p.logits.sizes().vec();
  shape[0] = n;
  return std::make_unique<BitSymbols>(p.logits.expand(shape));
});

}  // namespace
}  // namespace elbo

#include <algorithm>
#include <cmath>

#include "elbo/coding/symbols.h"
#include "elbo/core/error.h"
#include "elbo/distributions/discrete.h"
#include "elbo/exact/math.h"

namespace elbo {
namespace {

constexpr int64_t kMostClasses = 1 << 16;

/// Numbers of classes by logits [..., K].
class ClassSymbols : public Symbols {
 public:
  explicit ClassSymbols(const Tensor& logits)
      : logits_(logits.to(torch::kFloat64).contiguous()), classes_(logits.size(-1)) {
    check(classes_ <= kMostClasses, "[compress] classes: found ", classes_, ", at most ",
          kMostClasses);
  }

  std::vector<Interval> intervals(const Tensor& x) const override {
    const auto numbers = x.to(torch::kInt64).contiguous();
    const auto* given = numbers.data_ptr<int64_t>();
    std::vector<Interval> all;
    all.reserve(static_cast<size_t>(numbers.numel()));
    for (int64_t i = 0; i < numbers.numel(); ++i) {
      check(given[i] >= 0 && given[i] < classes_, "[compress] class: found ", given[i],
            ", this model knows 0 to ", classes_ - 1);
      const auto starts = starts_of(i);
      const auto k = static_cast<size_t>(given[i]);
      all.push_back({starts[k], starts[k + 1] - starts[k]});
    }
    return all;
  }

  Tensor read(AnsStack& from) const override {
    auto shape = logits_.sizes().vec();
    shape.pop_back();
    auto x = torch::empty(shape, torch::kFloat32);
    auto* to = x.data_ptr<float>();
    for (int64_t i = 0; i < x.numel(); ++i) {
      const auto starts = starts_of(i);
      const auto after = std::upper_bound(starts.begin(), starts.end(), from.peek(kSymbolBits));
      const auto k = static_cast<size_t>(after - starts.begin() - 1);
      to[i] = static_cast<float>(k);
      from.pop(starts[k], starts[k + 1] - starts[k], kSymbolBits);
    }
    return x;
  }

 private:
  /// Where each class of component i begins, and the end; what rounding leaves goes to the
  /// likeliest.
  std::vector<uint32_t> starts_of(int64_t i) const {
    const auto* logit = logits_.data_ptr<double>() + i * classes_;
    const auto k = static_cast<size_t>(classes_);
    const auto likeliest = static_cast<size_t>(std::max_element(logit, logit + k) - logit);
    std::vector<double> mass(k);
    double sum = 0;
    for (size_t c = 0; c < k; ++c) sum += mass[c] = exact::exp(logit[c] - logit[likeliest]);
    const double places = (1U << kSymbolBits) - static_cast<double>(k);
    std::vector<uint32_t> starts(k + 1);
    uint32_t used = 0;
    for (size_t c = 0; c < k; ++c) {
      starts[c + 1] = 1 + static_cast<uint32_t>(mass[c] / sum * places);
      used += starts[c + 1];
    }
    starts[likeliest + 1] += (1U << kSymbolBits) - used;
    for (size_t c = 0; c < k; ++c) starts[c + 1] += starts[c];
    return starts;
  }

  Tensor logits_;
  int64_t classes_;
};

const bool classes_added = add_symbols<Categorical>([](const Categorical& p, int64_t n) {
  auto shape = p.logits.sizes().vec();
  if (p.logits.dim() > 1) shape[0] = n;
  return std::make_unique<ClassSymbols>(p.logits.expand(shape));
});

}  // namespace
}  // namespace elbo

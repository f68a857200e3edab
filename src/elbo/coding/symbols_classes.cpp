#include <algorithm>

#include "elbo/coding/symbol_list.h"
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
      to[i] = static_cast<float>(pop_among(starts_of(i), from));
    }
    return x;
  }

 private:
  /// Where each class of component i begins, and the end.
  std::vector<uint32_t> starts_of(int64_t i) const {
    const auto* logit = logits_.data_ptr<double>() + i * classes_;
    const double most = *std::max_element(logit, logit + classes_);
    std::vector<double> mass;
    for (int64_t c = 0; c < classes_; ++c) mass.push_back(exact::exp(logit[c] - most));
    std::vector<uint32_t> starts;
    frequencies(mass.data(), mass.size(), starts);
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

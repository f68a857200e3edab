#include <algorithm>

#include "elbo/coding/symbol_list.h"
#include "elbo/coding/symbols.h"
#include "elbo/core/error.h"
#include "elbo/distributions/discrete.h"
#include "elbo/exact/arrays.h"

namespace elbo {
namespace {

constexpr int64_t kMostClasses = 1 << 16;

/// Numbers of classes, of components one after the other.
class NumberSymbols : public Symbols {
 public:
  NumberSymbols(Shape shape, int64_t classes) : classes_(classes), shape_(std::move(shape)) {
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
      all.push_back(interval(i, given[i]));
    }
    return all;
  }

  Tensor read(AnsStack& from) const override {
    auto x = torch::empty(shape_, torch::kFloat32);
    auto* to = x.data_ptr<float>();
    for (int64_t i = 0; i < x.numel(); ++i) to[i] = static_cast<float>(pop(i, from));
    return x;
  }

 protected:
  virtual Interval interval(int64_t component, int64_t k) const = 0;
  virtual uint64_t pop(int64_t component, AnsStack& from) const = 0;

  const int64_t classes_;

 private:
  const Shape shape_;
};

/// By logits [..., K].
class ClassSymbols : public NumberSymbols {
 public:
  explicit ClassSymbols(const Tensor& logits)
      : NumberSymbols(logits.sizes().slice(0, logits.dim() - 1).vec(), logits.size(-1)),
        logits_(logits.to(torch::kFloat64).contiguous()) {}

 protected:
  Interval interval(int64_t component, int64_t k) const override {
    const auto starts = starts_of(component);
    const auto at = static_cast<size_t>(k);
    return {starts[at], starts[at + 1] - starts[at]};
  }
  uint64_t pop(int64_t component, AnsStack& from) const override {
    return pop_among(starts_of(component), from);
  }

 private:
  /// Where each class of component i begins, and the end.
  std::vector<uint32_t> starts_of(int64_t i) const {
    const auto* logit = logits_.data_ptr<double>() + i * classes_;
    const double most = *std::max_element(logit, logit + classes_);
    std::vector<double> mass(logit, logit + classes_);
    for (auto& m : mass) m -= most;
    exact::exp(mass.data(), mass.data(), classes_);
    std::vector<uint32_t> starts;
    frequencies(mass.data(), mass.size(), starts);
    return starts;
  }

  Tensor logits_;
};

/// All classes alike.
class AlikeSymbols : public NumberSymbols {
 public:
  using NumberSymbols::NumberSymbols;

 protected:
  Interval interval(int64_t, int64_t k) const override {
    return interval_of_alike(static_cast<uint64_t>(k), static_cast<uint64_t>(classes_),
                             kSymbolBits);
  }
  uint64_t pop(int64_t, AnsStack& from) const override {
    return pop_alike(static_cast<uint64_t>(classes_), kSymbolBits, from);
  }
};

const bool alike_added =
    add_symbols<UniformCategorical>([](const UniformCategorical& p, int64_t n) {
      return std::make_unique<AlikeSymbols>(with_rows(n, p.shape), p.classes);
    });

const bool classes_added = add_symbols<Categorical>([](const Categorical& p, int64_t n) {
  auto shape = p.logits.sizes().vec();
  if (p.logits.dim() > 1) shape[0] = n;
  return std::make_unique<ClassSymbols>(p.logits.expand(shape));
});

}  // namespace
}  // namespace elbo

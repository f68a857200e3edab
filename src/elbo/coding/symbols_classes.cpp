#include <algorithm>

#include "elbo/coding/symbol_list.h"
#include "elbo/coding/symbols.h"
#include "elbo/core/error.h"
#include "elbo/distributions/discrete.h"
#include "elbo/exact/math.h"

namespace elbo {
namespace {

constexpr int64_t kMostClasses = 1 << 16;

void check_classes(int64_t classes) {
  check(classes <= kMostClasses, "[compress] classes: found ", classes, ", at most ", kMostClasses);
}

void check_class(int64_t found, int64_t classes) {
  check(found >= 0 && found < classes, "[compress] class: found ", found,
        ", this model knows 0 to ", classes - 1);
}

/// Numbers of classes by logits [..., K].
class ClassSymbols : public Symbols {
 public:
  explicit ClassSymbols(const Tensor& logits)
      : logits_(logits.to(torch::kFloat64).contiguous()), classes_(logits.size(-1)) {
    check_classes(classes_);
  }

  std::vector<Interval> intervals(const Tensor& x) const override {
    const auto numbers = x.to(torch::kInt64).contiguous();
    const auto* given = numbers.data_ptr<int64_t>();
    std::vector<Interval> all;
    all.reserve(static_cast<size_t>(numbers.numel()));
    for (int64_t i = 0; i < numbers.numel(); ++i) {
      check_class(given[i], classes_);
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

/// Numbers of classes that are all alike, [n, shape].
class AlikeSymbols : public Symbols {
 public:
  AlikeSymbols(const UniformCategorical& p, int64_t n)
      : shape_(with_rows(n, p.shape)), classes_(p.classes) {
    check_classes(classes_);
  }

  std::vector<Interval> intervals(const Tensor& x) const override {
    const auto numbers = x.to(torch::kInt64).contiguous();
    const auto* given = numbers.data_ptr<int64_t>();
    std::vector<Interval> all;
    for (int64_t i = 0; i < numbers.numel(); ++i) {
      check_class(given[i], classes_);
      all.push_back(interval(given[i]));
    }
    return all;
  }

  Tensor read(AnsStack& from) const override {
    auto x = torch::empty(shape_, torch::kFloat32);
    auto* to = x.data_ptr<float>();
    for (int64_t i = 0; i < x.numel(); ++i) {
      // One past the place times the classes, less one, is below that of the next class's start.
      const uint64_t past = uint64_t{from.peek(kSymbolBits)} + 1;
      const auto k =
          static_cast<int64_t>((past * static_cast<uint64_t>(classes_) - 1) >> kSymbolBits);
      const auto [start, frequency, bits, turn] = interval(k);
      from.pop(start, frequency, kSymbolBits);
      to[i] = static_cast<float>(k);
    }
    return x;
  }

 private:
  uint32_t start(int64_t k) const {
    return static_cast<uint32_t>((static_cast<uint64_t>(k) << kSymbolBits) /
                                 static_cast<uint64_t>(classes_));
  }
  Interval interval(int64_t k) const { return {start(k), start(k + 1) - start(k)}; }

  Shape shape_;
  int64_t classes_;
};

const bool alike_added = add_symbols<UniformCategorical>(
    [](const UniformCategorical& p, int64_t n) { return std::make_unique<AlikeSymbols>(p, n); });

const bool classes_added = add_symbols<Categorical>([](const Categorical& p, int64_t n) {
  auto shape = p.logits.sizes().vec();
  if (p.logits.dim() > 1) shape[0] = n;
  return std::make_unique<ClassSymbols>(p.logits.expand(shape));
});

}  // namespace
}  // namespace elbo

#include "elbo/distributions/discrete.h"

#include "elbo/heads/parameters.h"

namespace elbo {
namespace {

int64_t classes_of(const char* head, const Schema& variable) {
  check(variable.detail.contains("classes"), "[head ", head,
        "] classes: the schema of the variable does not say how many");
  const int64_t count = class_count(variable);
  check(count >= 2, "[head ", head, "] classes: found ", count, ", must be at least 2");
  return count;
}

/// K logits per component, class-major along the first axis: [B, K * d0, …] -> [B, d0, …, K].
class CategoricalHead : public FreeHead {
 public:
  explicit CategoricalHead(const Context& at)
      : shape_(at.variable.shape), classes_(classes_of("categorical", at.variable)) {
    check_kind("categorical", at.variable, {Kind::kCategory, Kind::kToken});
  }
  Dist operator()(const Tensor& h) override {
    if (!h.defined()) {
      auto shape = shape_;
      shape.push_back(classes_);
      return std::make_shared<Categorical>(torch::zeros(shape, options()));
    }
    Shape split{h.size(0), classes_};
    split.insert(split.end(), shape_.begin(), shape_.end());
    return std::make_shared<Categorical>(h.reshape(split).movedim(1, -1));
  }
  Shape input() const override { return times(classes_, shape_); }

 private:
  Shape shape_;
  int64_t classes_;
};

template <class D>
std::shared_ptr<Head> from_logits(const char* name, const Context& at) {
  check_kind(name, at.variable, {Kind::kBinary, Kind::kUnit, Kind::kByte});
  return std::make_shared<FeatureHead>(
      at.variable.shape, 1, [](const std::vector<Tensor>& p) { return std::make_shared<D>(p[0]); },
      true);
}

const bool added_bernoulli = heads().add<NoOptions>(
    "bernoulli", "Bits; grey values are scored by cross-entropy",
    [](const Context& at, NoOptions) { return from_logits<Bernoulli>("bernoulli", at); });

const bool added_continuous = heads().add<NoOptions>(
    "continuous_bernoulli", "Numbers in [0, 1]: cross-entropy with its normalising constant",
    [](const Context& at, NoOptions) {
      return from_logits<ContinuousBernoulli>("continuous_bernoulli", at);
    });

const bool added_categorical = heads().add<NoOptions>(
    "categorical", "One of K classes; as a free prior: uniform",
    [](const Context& at, NoOptions) { return std::make_shared<CategoricalHead>(at); });

}  // namespace
}  // namespace elbo

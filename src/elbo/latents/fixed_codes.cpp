#include <cmath>

#include "elbo/latents/quantizer.h"

namespace elbo {
namespace {

/// Codes without a codebook: each of d numbers takes one of its levels on its own, and the code's
/// number counts them in mixed radix, the first number fastest.
class FixedCodes : public Quantizer {
 public:
  explicit FixedCodes(const std::vector<int64_t>& levels) : levels_(levels) {
    std::vector<int64_t> radix;
    for (const int64_t level : levels) {
      radix.push_back(codes_);
      codes_ *= level;
    }
    count_ = register_buffer("levels", torch::tensor(levels, torch::kInt64));
    radix_ = register_buffer("radix", torch::tensor(radix, torch::kInt64));
    usage_ = register_module("usage", std::make_shared<CodeUsage>(codes_, kWindow));
  }

  Tensor lookup(const Tensor& indices) override {
    const auto digits = indices.div(radix_, "floor").remainder(count_);  // [N, d] of [N, 1]
    return value(digits.to(torch::get_default_dtype()));
  }
  int64_t codes() const override { return codes_; }
  int64_t size() const override { return static_cast<int64_t>(levels_.size()); }
  Json usage() const override { return usage_->summary(); }
  void reset_usage() override { usage_->reset(); }

 protected:
  /// digits: [N, d] in 0 … level-1 -> the numbers that the decoder reads.
  virtual Tensor value(const Tensor& digits) const = 0;

  /// The codes' numbers [N, 1], counted.
  Tensor number(const Tensor& digits) {
    const auto indices = (digits.to(torch::kInt64) * radix_).sum(1);
    if (is_training()) usage_->take_dead();
    usage_->add(indices);
    return indices.unsqueeze(1);
  }

  Tensor count_;  // [d]

 private:
  static constexpr int64_t kWindow = 500;
  const std::vector<int64_t> levels_;
  int64_t codes_ = 1;
  Tensor radix_;  // [d]
  std::shared_ptr<CodeUsage> usage_;
};

/// Finite scalar quantization: a tanh bounds each number, a rounding takes it to a level.
class ScalarLevels : public FixedCodes {
 public:
  explicit ScalarLevels(const std::vector<int64_t>& levels) : FixedCodes(levels) {}

  Quantized forward(const Tensor& z) override {
    const auto levels = count_.to(z.scalar_type());
    // An even number of levels lies half a step off the middle.
    const auto offset = (count_.remainder(2) == 0).to(z.scalar_type()) * 0.5;
    const auto half = (levels - 1) * (1 + kMargin) / 2;
    const auto bounded = (z + (offset / half).atanh()).tanh() * half - offset;
    const auto low = count_.div(2, "floor");
    const auto rounded = bounded.detach().round();
    const auto middle = low.to(z.scalar_type());
    return {number(rounded + middle), straight_through(rounded, bounded) / middle, Tensor()};
  }

 protected:
  Tensor value(const Tensor& digits) const override {
    const auto middle = count_.div(2, "floor").to(digits.scalar_type());
    return (digits - middle) / middle;
  }

 private:
  static constexpr double kMargin = 1e-3;  // the outer levels are reached by finite numbers
};

/// Lookup-free quantization: signs. The entropy term wants each vector certain and the batch
/// spread: weight * (E[H(bits | z)] - H(mean of bits)), bit by bit.
class Signs : public FixedCodes {
 public:
  Signs(int64_t bits, double commitment, double entropy)
      : FixedCodes(std::vector<int64_t>(bits, 2)), commitment_(commitment), entropy_(entropy) {}

  Quantized forward(const Tensor& z) override {
    const auto digits = (z.detach() > 0).to(z.scalar_type());
    const auto signs = value(digits);
    auto cost = commitment_ * (z - signs).square().sum(1);
    if (entropy_ > 0) {
      // Softmax of -(z ∓ 1)².
      const auto p = (4 * z).sigmoid();
      cost = cost + entropy_ * (entropy(p).sum(1) - entropy(p.mean(0)).sum());
    }
    return {number(digits), straight_through(signs, z), cost};
  }

 protected:
  Tensor value(const Tensor& digits) const override { return 2 * digits - 1; }

 private:
  static Tensor entropy(const Tensor& p) {
    const auto safe = p.clamp(1e-6, 1 - 1e-6);
    return -(safe * safe.log() + (1 - safe) * (-safe).log1p());
  }

  const double commitment_, entropy_;
};

}  // namespace

std::shared_ptr<Quantizer> make_scalar_levels(const std::vector<int64_t>& levels) {
  return std::make_shared<ScalarLevels>(levels);
}

std::shared_ptr<Quantizer> make_signs(int64_t bits, double commitment, double entropy) {
  return std::make_shared<Signs>(bits, commitment, entropy);
}

}  // namespace elbo

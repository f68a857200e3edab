#pragma once

#include <string>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/core/tensor.h"

// Products of dense layers and convolutions whose operands are rounded to bfloat16 and whose sums
// are float32; everything else stays float32.

namespace ELBO_API elbo {

/// Whether this processor multiplies bfloat16 numbers (AVX512-BF16 or AMX) and oneDNN uses it;
/// `why`, where given, receives what is missing.
bool has_bf16(std::string* why = nullptr);

/// "fp32" or "bf16" of one of them or "auto", which takes bf16 where it is there, on a processor
/// alone. Raises an Error in the name of `where` for bf16 where it is not.
std::string chosen_precision(const std::string& asked, const std::string& where,
                             const torch::Device& device = torch::kCPU);

/// Copies of weights in bfloat16, made once and found by where the weights lie.
class Bf16Weights {
 public:
  /// Dense float32 tensors on the CPU, which must not move.
  explicit Bf16Weights(const std::vector<Tensor>& weights);
  /// Converts them again, after they have changed.
  void refresh();
  /// The copy of what begins there; null where it is none of them.
  const uint16_t* find(const float* weight) const;
  /// The copy of weights[i].
  const Tensor& copy(size_t i) const { return stretches_[i].low; }

 private:
  struct Stretch {
    Tensor weight, low;
  };
  std::vector<Stretch> stretches_;  // in the order given
  std::vector<size_t> order_;       // by where they lie
};

/// While one lives that has weights (null: none), products of this thread are of bfloat16 numbers.
class Bf16Products {
 public:
  explicit Bf16Products(const Bf16Weights* weights);
  ~Bf16Products();
  Bf16Products(const Bf16Products&) = delete;
  Bf16Products& operator=(const Bf16Products&) = delete;

  /// Of all threads from here on, where they have no scope of their own; null = float32.
  static void everywhere(const Bf16Weights* weights);
  /// Null: products of this thread are float32.
  static const Bf16Weights* current();

 private:
  const Bf16Weights* before_;
};

/// A weight in bfloat16: a known copy, else one made here.
struct Bf16Weight {
  Bf16Weight(const Bf16Weights& known, const Tensor& weight);
  Tensor made;  // undefined where the copy is known
  const uint16_t* data;
};

}  // namespace elbo

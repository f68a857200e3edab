#pragma once

#include <torch/nn/module.h>

#include <memory>

#include "elbo/core/registry.h"
#include "elbo/nn/network.h"
#include "elbo/nn/packing.h"

namespace elbo {

/// What a network over series is asked to be: `in` numbers at each step, of at most `steps` steps,
/// and `context` numbers that all steps of a row see; 0 = none.
struct SequencePlan {
  int64_t in = 1, steps = 1, context = 0;
};

/// What has been read of some rows so far: what the next step needs.
class SequenceState {
 public:
  virtual ~SequenceState() = default;
  /// x: [n, in] the next input of each row -> [n, out]. Without gradients.
  virtual Tensor step(const Tensor& x) = 0;
  /// Goes on with these of the rows, which may repeat: int64 [m].
  virtual void keep(const Tensor& rows) = 0;
};

/// What comes out at a step depends on the inputs at this and all earlier steps alone.
class SequenceNetwork : public torch::nn::Module {
 public:
  /// x: [size, in] packed; context: [B, context] or undefined -> [size, out] packed.
  virtual Tensor forward(const Tensor& x, const Tensor& context, const Packing& packing) = 0;
  /// The same step by step, for n rows.
  virtual std::unique_ptr<SequenceState> begin(int64_t rows, const Tensor& context) = 0;
  virtual int64_t out() const = 0;
  virtual std::vector<LayerReport> report() const = 0;
};
/// gru, transformer, causal_conv
Registry<SequenceNetwork, const SequencePlan&>& sequence_networks();

}  // namespace elbo

#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <vector>

#include "elbo/core/options.h"
#include "elbo/core/tensor.h"

namespace elbo {

/// What a quantizer makes of N vectors.
struct Quantized {
  Tensor indices;  // [N, stages] int64
  Tensor values;   // [N, size] the codes, with the gradient of the vectors
  Tensor cost;     // [N] commitment, codebook, entropy; undefined = none
};

/// Vectors to one of finitely many codes in each of its stages.
class Quantizer : public torch::nn::Module {
 public:
  /// z: [N, size]. In training mode a codebook may move.
  virtual Quantized forward(const Tensor& z) = 0;
  /// indices: [N, stages] int64 -> [N, size].
  virtual Tensor lookup(const Tensor& indices) = 0;
  virtual int64_t codes() const = 0;  // of one stage
  virtual int64_t stages() const { return 1; }
  virtual int64_t size() const = 0;
  virtual Json usage() const = 0;
  virtual void reset_usage() = 0;
};

/// How often each of K codes was used, in windows of the training and over an evaluation.
class CodeUsage : public torch::nn::Module {
 public:
  /// window: uses of a code on average; 0 = the counts go on for ever. Measured in uses and not in
  /// steps it means the same for every number of codes, size of grid and batch.
  CodeUsage(int64_t codes, int64_t window);
  /// indices: [N]
  void add(const Tensor& indices);
  /// [K] codes unused in the window that the last add() completed; undefined otherwise.
  Tensor take_dead();
  /// {codes, perplexity, dead}: over the evaluation if one has begun, else the last whole window.
  Json summary() const;
  /// What evaluation mode adds is counted afresh.
  void reset() { evaluated_ = Tensor(); }
  /// Switching evaluation on starts its counts afresh.
  void train(bool on) override;

 private:
  int64_t codes_, window_;
  Tensor current_, last_;  // [K]
  Tensor evaluated_;       // [K], not part of the state
};

struct CodebookOptions {
  int64_t codes = 512, size = 64, stages = 1, window = 40;
  std::string update = "gradient";
  double commitment = 1, decay = 0.99;
};
/// Learned codes; more than one stage quantizes what the stages before left over (van den Oord et
/// al. 2017, arXiv:1711.00937; Zeghidour et al. 2021, arXiv:2107.03312).
std::shared_ptr<Quantizer> make_codebooks(const CodebookOptions& options);
/// Each number rounded to one of its levels (Mentzer et al. 2023, arXiv:2309.15505).
std::shared_ptr<Quantizer> make_scalar_levels(const std::vector<int64_t>& levels);
/// Each number to its sign (Yu et al. 2024, arXiv:2310.05737).
std::shared_ptr<Quantizer> make_signs(int64_t bits, double commitment, double entropy);

}  // namespace elbo

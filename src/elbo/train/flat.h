#pragma once

#include <torch/nn/module.h>

#include <string>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/core/tensor.h"

namespace ELBO_API elbo {

/// Floats between the beginnings of parameters in the buffer, or a multiple: a cache line, so that
/// kernels load aligned vectors.
constexpr int64_t kAlign = 16;

/// Where one parameter lies in the flat buffer.
struct Span {
  std::string name;
  int64_t offset = 0, size = 0;
  size_t number = 0;  // among all spans
};

/// All parameters as views of one buffer, and their gradients of another, so that the optimizer,
/// clipping, averaging and all-reduce are single passes over flat memory.
class FlatParameters {
 public:
  /// Moves the parameters (each once, by identity) into the buffers. float32 only.
  explicit FlatParameters(const std::vector<std::pair<std::string, Tensor>>& named);

  Tensor values, gradients;  // [n] float32
  const std::vector<Span>& spans() const { return spans_; }
  /// The spans of these parameters, in buffer order.
  std::vector<Span> spans_of(const std::vector<Tensor>& parameters) const;
  /// Points the gradients at the flat buffer again (something may have replaced them).
  void attach();
  void attach(size_t parameter);
  const std::vector<Tensor>& parameters() const { return parameters_; }

 private:
  std::vector<Tensor> parameters_;
  std::vector<Span> spans_;
};

}  // namespace elbo

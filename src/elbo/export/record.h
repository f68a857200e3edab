#pragma once

#include "elbo/io/onnx.h"

namespace elbo {

/// A tensor that goes into a computation, as an example of kManyRows rows.
struct RecordedInput {
  std::string name;
  Tensor example;
};
/// The inputs in their order, and their number of rows -> outputs with names.
using Computation = std::function<NamedTensors(const std::vector<Tensor>& inputs, int64_t rows)>;

/// What libtorch computes, as an ONNX graph for any number of rows. Random draws become inputs of
/// the graph. Raises an Error naming the first operation that has no counterpart there, and where
/// sizes do not follow the number of rows linearly. Parameters must not ask for gradients.
OnnxGraph record(const std::string& name, const std::vector<RecordedInput>& inputs,
                 const Computation& compute);

}  // namespace elbo

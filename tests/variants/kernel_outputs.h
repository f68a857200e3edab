#pragma once

#include <string>
#include <utility>
#include <vector>

#include "elbo/core/tensor.h"

namespace elbo {

/// What was computed, in a fixed order, by name.
using Outputs = std::vector<std::pair<std::string, Tensor>>;

}  // namespace elbo

/// The outputs of every kernel on random and edge inputs (infinities, NaN, denormal numbers).
extern "C" __attribute__((visibility("default"))) void elbo_kernel_outputs(elbo::Outputs* out);

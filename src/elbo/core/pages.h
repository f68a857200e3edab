#pragma once

#include "elbo/core/tensor.h"

namespace elbo {

/// An uninitialised tensor in pages of its own, which go back to the system with it: malloc keeps
/// what lies between blocks that live longer.
Tensor empty_in_own_pages(const Shape& shape, torch::ScalarType type = torch::kFloat32);

}  // namespace elbo

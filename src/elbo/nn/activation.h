#pragma once

#include <string>
#include <vector>

#include "elbo/core/tensor.h"
#include "elbo/kernels/activation.h"

namespace elbo {

/// From its name (none, relu, leaky_relu, …); raises an Error naming the known ones.
Activation activation_named(const std::string& name);
const std::vector<std::string>& activation_names();

/// Differentiable, on any device and in any type; axis 1 is the one that `gated` halves.
Tensor activate(const Tensor& a, Activation activation);

/// Fills a weight and its bias (may be undefined) as "he", "xavier" or "torch" does; fans are
/// inputs and outputs of one unit.
void initialize(Tensor& weight, Tensor& bias, int64_t fan_in, int64_t fan_out,
                const std::string& how);
inline const std::vector<std::string> kInitializations{"he", "xavier", "torch"};

}  // namespace elbo

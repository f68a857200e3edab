#pragma once

#include "elbo/core/tensor.h"

namespace elbo {

/// loss.backward() for graphs on the CPU, in the calling thread and without autograd's queues and
/// locks, which cost a small net as much as its products. Any node and any hook; gradients are
/// autograd's up to the order of sums. Elsewhere than on the CPU it is loss.backward().
void backward(const Tensor& loss);

}  // namespace elbo

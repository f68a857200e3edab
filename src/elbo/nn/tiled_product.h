#pragma once

#include "elbo/nn/image_product.h"

namespace elbo {

/// The three products of image_product.h by way of transformed tiles (kernels/winograd.h): half the
/// time or less where they pay, with rounding errors some ten times as large. The same for any
/// number of threads. Channels-last float32 of kernel 3, stride 1 and padding 1.
bool tiles_pay(const ImageProduct& product);
void tiled_forward(const ImageProduct& product, const float* src, const float* weight,
                   const float* bias, float* dst);
void tiled_backward(const ImageProduct& product, const float* ddst, const float* weight,
                    float* dsrc);
/// dweight = or += the gradient.
void tiled_weights(const ImageProduct& product, const float* src, const float* ddst, float* dweight,
                   bool add);

}  // namespace elbo

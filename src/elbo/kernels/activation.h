#pragma once

namespace elbo {

/// What follows an affine map. `gated` halves the channels: h * sigmoid(g) of [h | g].
enum class Activation {
  kNone,
  kRelu,
  kLeakyRelu,  // slope 0.01
  kElu,
  kTanh,
  kSigmoid,
  kSoftplus,
  kGelu,
  kSilu,
  kGated,
};

}  // namespace elbo

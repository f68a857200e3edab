#pragma once

namespace elbo {

/// log(2 pi) / 2, of the normal density.
inline constexpr double kHalfLogTwoPi = 0.91893853320467274178;

}  // namespace elbo

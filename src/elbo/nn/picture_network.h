#pragma once

#include "elbo/nn/network.h"

namespace elbo {

/// A network between pictures whose weights do not depend on their size: forward() takes any size
/// that the factor divides, whatever it was built for, and keeps to PictureMemory.
class PictureNetwork : public Network {
 public:
  /// By how much the larger side is larger: height and width must be multiples of it.
  virtual int64_t factor() const = 0;
  /// Bytes that forward() takes at its peak for a row of this shape where it may take any.
  virtual int64_t peak_bytes(const Shape& in) const = 0;
};

}  // namespace elbo

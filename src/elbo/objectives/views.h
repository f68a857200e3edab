#pragma once

#include "elbo/core/options.h"
#include "elbo/core/tensor.h"

namespace elbo {

/// How far pictures are moved at random, each by itself.
struct ViewOptions {
  double shift = 0.1, rotate = 20, scale = 0.15, shear = 0.2, erase = 0.2;
  template <class F>
  void fields(F&& f) {
    f("shift", shift, "largest shift of a view, as a share of the picture", between(0, 1));
    f("rotate", rotate, "largest rotation of a view, in degrees", between(0, 180));
    f("scale", scale, "largest change of a view's size, as a share", between(0, 0.9));
    f("shear", shear, "largest shear of a view, as a share of the height", between(0, 1));
    f("erase", erase, "side of a blanked square, as a share of the picture (0 = none)",
      between(0, 0.9));
  }
};

/// Pictures [B, C, H, W] as seen from a random place, the outside read as 0.
Tensor random_views(const Tensor& x, const ViewOptions& o);

}  // namespace elbo

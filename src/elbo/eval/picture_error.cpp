#include "elbo/eval/picture_error.h"

#include "elbo/core/error.h"
#include "elbo/objectives/similarity.h"

namespace elbo {

PictureError picture_error(const Tensor& x_, const Tensor& y_) {
  check(x_.dim() == 4 && x_.sizes() == y_.sizes(), "[pictures] ", to_string(x_.sizes().vec()),
        " and ", to_string(y_.sizes().vec()), ", expected two stacks of the same pictures");
  const auto x = x_.to(torch::kFloat64), y = y_.to(torch::kFloat64);
  PictureError e;
  e.squared = (x - y).square().flatten(1).mean(1);
  e.peak_ratio = -10 * e.squared.log10();
  e.similarity = ssim(x, y);
  e.multi_scale_similarity = ms_ssim(x, y);
  return e;
}

Tensor gradient_energy(const Tensor& x_) {
  const auto x = x_.to(torch::kFloat64);
  const auto down = x.diff(1, 2).square().flatten(1).mean(1);
  const auto right = x.diff(1, 3).square().flatten(1).mean(1);
  return down + right;
}

}  // namespace elbo

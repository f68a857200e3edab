#include "elbo/objectives/similarity.h"

#include <cmath>

namespace elbo {
namespace {

constexpr int64_t kWindow = 11;
constexpr double kSigma = 1.5;
constexpr double kWeights[] = {0.0448, 0.2856, 0.3001, 0.2363, 0.1333};
constexpr double kC1 = 0.01 * 0.01, kC2 = 0.03 * 0.03;
constexpr double kLeast = 1e-4;  // a mean similarity below 0 has no power

struct Similarity {
  Tensor luminance, structure;  // [B, C] means over places, of the product and of the second
};

Similarity compare(const Tensor& x, const Tensor& y, const Tensor& window) {
  const auto mx = blur(x, window), my = blur(y, window);
  const auto vx = blur(x * x, window) - mx * mx;
  const auto vy = blur(y * y, window) - my * my;
  const auto covariance = blur(x * y, window) - mx * my;
  const auto structure = (2 * covariance + kC2) / (vx + vy + kC2);
  const auto luminance = (2 * mx * my + kC1) / (mx * mx + my * my + kC1);
  return {(luminance * structure).mean({2, 3}), structure.mean({2, 3})};
}

/// Of an odd size that fits into the picture.
Tensor window_for(const Tensor& x) {
  const int64_t smaller = std::min(x.size(2), x.size(3));
  const int64_t size = std::min(kWindow, smaller - (smaller + 1) % 2);
  const auto places = torch::arange(size, x.options()) - (size - 1) / 2;
  const auto window = (-places.square() / (2 * kSigma * kSigma)).exp();
  return window / window.sum();
}

}  // namespace

Tensor blur(const Tensor& x, const Tensor& window) {
  const int64_t channels = x.size(1), n = window.size(0);
  const auto along = [&](const Tensor& a, torch::IntArrayRef shape) {
    const auto kernel = window.view(shape).expand({channels, 1, shape[2], shape[3]});
    return torch::conv2d(a, kernel.contiguous(), Tensor(), 1, torch::IntArrayRef({0, 0}), 1,
                         channels);
  };
  return along(along(x, {1, 1, n, 1}), {1, 1, 1, n});
}

Tensor ssim(const Tensor& x, const Tensor& y) {
  return compare(x, y, window_for(x)).luminance.mean(1);
}

Tensor ms_ssim(const Tensor& x, const Tensor& y) {
  const auto window = window_for(x);
  const int64_t size = window.size(0);
  int64_t smaller = std::min(x.size(2), x.size(3));
  int64_t scales = 0;
  double total = 0;
  for (; scales < 5 && smaller >= size && smaller > 0; smaller /= 2) total += kWeights[scales++];
  auto a = x, b = y;
  Tensor product;
  for (int64_t scale = 0; scale < scales; ++scale) {
    const auto found = compare(a, b, window);
    const auto& used = scale == scales - 1 ? found.luminance : found.structure;
    const auto factor = used.clamp_min(kLeast).pow(kWeights[scale] / total);
    product = product.defined() ? product * factor : factor;
    a = torch::avg_pool2d(a, 2);
    b = torch::avg_pool2d(b, 2);
  }
  return product.mean(1);
}

}  // namespace elbo

#include "elbo/exact/windows.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "elbo/core/error.h"

namespace elbo::exact {
namespace {

/// Numbers of unfolded rows that are held at once: they stay in a core's cache.
constexpr int64_t kHeld = 1 << 17;

/// Places along one axis.
struct Axis {
  int64_t in, kernel, stride, padding, out;
  Axis(int64_t in, int64_t kernel, int64_t stride, int64_t padding)
      : in(in),
        kernel(kernel),
        stride(stride),
        padding(padding),
        out((in + 2 * padding - kernel) / stride + 1) {
    check(in + 2 * padding >= kernel, "[exact] a convolution of ", kernel, " places over ", in);
  }
  /// Outputs [first, last) whose window has its place k inside.
  std::pair<int64_t, int64_t> inside(int64_t k) const {
    const int64_t before = padding - k, last = in - 1 + before;
    const int64_t first = before > 0 ? (before + stride - 1) / stride : 0;
    const int64_t end = last < 0 ? 0 : last / stride + 1;
    return {std::min(first, out), std::clamp(end, std::min(first, out), out)};
  }
};

/// One picture's plane as the columns of a kernel's place (ky, kx): [height * width].
void unfold(const double* plane, const Axis& y, const Axis& x, int64_t ky, int64_t kx, double* to) {
  const auto [top, bottom] = y.inside(ky);
  const auto [left, right] = x.inside(kx);
  std::fill(to, to + top * x.out, 0.0);
  for (int64_t i = top; i < bottom; ++i) {
    const double* from = plane + (i * y.stride + ky - y.padding) * x.in + kx - x.padding;
    auto* row = to + i * x.out;
    std::fill(row, row + left, 0.0);
    for (int64_t j = left; j < right; ++j) row[j] = from[j * x.stride];
    std::fill(row + right, row + x.out, 0.0);
  }
  std::fill(to + bottom * x.out, to + y.out * x.out, 0.0);
}

}  // namespace

Tensor window_sums(const Windows& plan, const FixedPoint& x, const FixedPoint& weight,
                   const Tensor& bias) {
  const Axis height(plan.rows[2], plan.kernel[2], plan.stride[0], plan.padding[0]);
  const Axis width(plan.rows[3], plan.kernel[3], plan.stride[1], plan.padding[1]);
  const int64_t n = plan.rows[0], channels = plan.rows[1], outputs = plan.kernel[0];
  const int64_t places = height.out * width.out, area = height.kernel * width.kernel;
  const int64_t terms = channels * area, plane = height.in * width.in;
  auto y = torch::empty({n, outputs, height.out, width.out}, torch::kFloat64);
  const auto kernel = weight.whole.view({outputs, terms});
  const auto added = bias.defined() ? bias.to(torch::kFloat64).contiguous()
                                    : torch::zeros({outputs}, kernel.options());
  const double kernel_unit = weight.unit.item<double>();
  const auto *numbers = x.whole.data_ptr<double>(), *units = x.unit.data_ptr<double>(),
             *bias_at = added.data_ptr<double>();
  auto* result = y.data_ptr<double>();
  const int64_t at_once = std::clamp<int64_t>(kHeld / (terms * places), 1, std::max<int64_t>(n, 1));
  at::parallel_for(0, (n + at_once - 1) / at_once, 1, [&](int64_t from, int64_t to) {
    const torch::NoGradGuard no_gradient;
    const auto unfolded = torch::empty({terms, at_once * places}, torch::kFloat64);
    for (int64_t block = from; block < to; ++block) {
      const int64_t first = block * at_once, count = std::min(at_once, n - first);
      auto* columns = unfolded.data_ptr<double>();
      for (int64_t k = 0; k < terms; ++k) {
        const int64_t c = k / area, ky = k % area / width.kernel, kx = k % width.kernel;
        for (int64_t r = 0; r < count; ++r) {
          unfold(numbers + ((first + r) * channels + c) * plane, height, width, ky, kx,
                 columns + k * at_once * places + r * places);
        }
      }
      const auto sums = kernel.mm(unfolded.narrow(1, 0, count * places));
      const auto* sum = sums.data_ptr<double>();
      for (int64_t r = 0; r < count; ++r) {
        for (int64_t o = 0; o < outputs; ++o) {
          const double* s = sum + (o * count + r) * places;
          double* out = result + ((first + r) * outputs + o) * places;
          const double unit = units[first + r], offset = bias_at[o];
          for (int64_t p = 0; p < places; ++p) out[p] = s[p] * unit * kernel_unit + offset;
        }
      }
    }
  });
  return y;
}

}  // namespace elbo::exact

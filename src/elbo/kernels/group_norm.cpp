#include "elbo/kernels/group_norm.h"

#include <vector>

#include "elbo/core/profile.h"
#include "elbo/kernels/choice.h"
#include "elbo/kernels/rows.h"

namespace elbo::kernels {
namespace {

constexpr auto kLast = torch::MemoryFormat::ChannelsLast;

ELBO_CLONES void add_channel_sums(const float* x, int64_t places, int64_t channels, double* sums,
                                  double* squares) {
  for (int64_t place = 0; place < places; ++place, x += channels) {
#pragma omp simd
    for (int64_t c = 0; c < channels; ++c) {
      const double value = x[c];
      sums[c] += value;
      squares[c] += value * value;
    }
  }
}

ELBO_CLONES void scale_places(const float* x, const float* factor, const float* offset, float* y,
                              int64_t places, int64_t channels, bool silu) {
  for (int64_t place = 0; place < places; ++place, x += channels, y += channels) {
    if (silu) {
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) {
        const float a = x[c] * factor[c] + offset[c];
        y[c] = a / (1.0f + fast_exp(-a));
      }
    } else {
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) y[c] = x[c] * factor[c] + offset[c];
    }
  }
}

bool is_dense_picture(const Tensor& x) {
  return is_cpu_float(x) && x.dim() == 4 && x.numel() > 0 && x.is_contiguous(kLast) &&
         !plain_operations();
}

}  // namespace

Tensor group_sums(const Tensor& x, int64_t groups) {
  const int64_t rows = x.size(0), channels = x.size(1), places = x.size(2) * x.size(3);
  if (!is_dense_picture(x)) {
    const auto wide = x.to(torch::kFloat64).reshape({rows, groups, -1});
    return torch::stack({wide.sum(2), wide.square().sum(2)}, 2);
  }
  const Timed timed("group norm", nullptr, {0, 1.0 * x.nbytes()});
  auto result = torch::zeros({rows, groups, 2}, torch::kFloat64);
  auto* to = result.data_ptr<double>();
  const int64_t parts = parts_of(places, float_bytes(channels, 1));
  for (int64_t row = 0; row < rows; ++row) {
    const float* from = x.data_ptr<float>() + row * places * channels;
    std::vector<double> sums(2 * channels * parts);
    over_parts(parts, places, [&](int64_t part, int64_t first, int64_t last) {
      double* own = sums.data() + 2 * channels * part;
      add_channel_sums(from + first * channels, last - first, channels, own, own + channels);
    });
    const int64_t width = channels / groups;
    for (int64_t part = 0; part < parts; ++part) {
      for (int64_t c = 0; c < channels; ++c) {
        double* group = to + 2 * (row * groups + c / width);
        group[0] += sums[2 * channels * part + c];
        group[1] += sums[2 * channels * part + channels + c];
      }
    }
  }
  return result;
}

Tensor scale_channels(const Tensor& x, const Tensor& factor, const Tensor& offset, bool silu) {
  if (!is_dense_picture(x)) {
    const auto over = [&](const Tensor& t) { return as_kind_of(x, t).unsqueeze(2).unsqueeze(3); };
    const auto y = x * over(factor) + over(offset);
    return silu ? torch::silu(y) : y;
  }
  const Timed timed("group norm", nullptr, {0, 2.0 * x.nbytes()});
  const int64_t channels = x.size(1), places = x.size(2) * x.size(3);
  const auto f = factor.to(torch::kFloat32).contiguous(),
             o = offset.to(torch::kFloat32).contiguous();
  auto y = torch::empty(x.sizes(), x.options().requires_grad(false).memory_format(kLast));
  for (int64_t row = 0; row < x.size(0); ++row) {
    const int64_t at = row * places * channels;
    over_items(places, float_bytes(channels, 2), [&](int64_t first, int64_t last) {
      scale_places(x.data_ptr<float>() + at + first * channels,
                   f.data_ptr<float>() + row * channels, o.data_ptr<float>() + row * channels,
                   y.data_ptr<float>() + at + first * channels, last - first, channels, silu);
    });
  }
  return y;
}

}  // namespace elbo::kernels

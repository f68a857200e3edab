#include "elbo/kernels/group_norm.h"

#include <cmath>
#include <vector>

#include "elbo/core/profile.h"
#include "elbo/kernels/choice.h"
#include "elbo/kernels/rows.h"

namespace elbo::kernels {
namespace {

constexpr auto kLast = torch::MemoryFormat::ChannelsLast;

constexpr int64_t kSide = 16;  // channels whose sums stay in registers

/// kWidth channels of all places; added up place by place.
template <int64_t kWidth>
ELBO_INLINE void add_few_channels(const float* x, int64_t places, int64_t channels, double* sums,
                                  double* squares) {
  double sum[kWidth], square[kWidth];
  std::copy(sums, sums + kWidth, sum);
  std::copy(squares, squares + kWidth, square);
  for (int64_t place = 0; place < places; ++place, x += channels) {
#pragma omp simd
    for (int64_t c = 0; c < kWidth; ++c) {
      const double value = x[c];
      sum[c] += value;
      square[c] += value * value;
    }
  }
  std::copy(sum, sum + kWidth, sums);
  std::copy(square, square + kWidth, squares);
}

ELBO_CLONES void add_channel_sums(const float* x, int64_t places, int64_t channels, double* sums,
                                  double* squares) {
  int64_t c = 0;
  for (; c + kSide <= channels; c += kSide) {
    add_few_channels<kSide>(x + c, places, channels, sums + c, squares + c);
  }
  for (; c < channels; ++c) add_few_channels<1>(x + c, places, channels, sums + c, squares + c);
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

/// da of a = x factor + offset from that of silu(a), and its sums and those of da x: float within a
/// few places, double over all.
ELBO_CLONES void affine_gradient(const float* x, const float* dy, const float* factor,
                                 const float* offset, float* da, int64_t places, int64_t channels,
                                 bool silu, float* sums, float* products) {
  std::fill(sums, sums + channels, 0.0f);
  std::fill(products, products + channels, 0.0f);
  for (int64_t p = 0; p < places; ++p, x += channels, dy += channels, da += channels) {
    if (silu) {
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) {
        const float a = x[c] * factor[c] + offset[c];
        const float s = 1.0f / (1.0f + fast_exp(-a));
        const float d = dy[c] * s * (1.0f + a * (1.0f - s));
        da[c] = d;
        sums[c] += d;
        products[c] += d * x[c];
      }
    } else {
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) {
        da[c] = dy[c];
        sums[c] += dy[c];
        products[c] += dy[c] * x[c];
      }
    }
  }
}

/// dx = da factor + x slope + constant
ELBO_CLONES void through_statistics(const float* x, const float* factor, const float* slope,
                                    const float* constant, float* dx, int64_t places,
                                    int64_t channels) {
  for (int64_t p = 0; p < places; ++p, x += channels, dx += channels) {
#pragma omp simd
    for (int64_t c = 0; c < channels; ++c) {
      dx[c] = dx[c] * factor[c] + x[c] * slope[c] + constant[c];
    }
  }
}

/// One row of the gradient: da goes to dx, its sums to `sums` [2 channels].
void affine_gradients(const float* x, const float* dy, const float* factor, const float* offset,
                      float* dx, int64_t places, int64_t channels, bool silu, double* sums) {
  constexpr int64_t kBlock = 64;  // places whose sums are float
  const int64_t parts = parts_of(places, float_bytes(channels, 3));
  std::vector<double> all(2 * channels * parts);
  over_parts(parts, places, [&](int64_t part, int64_t first, int64_t last) {
    std::vector<float> some(2 * channels);
    double* own = all.data() + 2 * channels * part;
    for (int64_t from = first; from < last; from += kBlock) {
      const int64_t at = from * channels;
      affine_gradient(x + at, dy + at, factor, offset, dx + at, std::min(kBlock, last - from),
                      channels, silu, some.data(), some.data() + channels);
      for (int64_t c = 0; c < 2 * channels; ++c) own[c] += some[c];
    }
  });
  for (int64_t part = 0; part < parts; ++part) {
    for (int64_t c = 0; c < 2 * channels; ++c) sums[c] += all[2 * channels * part + c];
  }
}

/// f(row): as many rows at once as there are threads, else one after the other, and f shares out
/// its places.
template <class F>
void over_pictures(int64_t rows, int64_t bytes_each, const F& f) {
  if (rows < at::get_num_threads()) {
    for (int64_t row = 0; row < rows; ++row) f(row);
    return;
  }
  over_items(rows, bytes_each, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) f(row);
  });
}

/// One picture's sums for each group and of their squares, added to `to` [groups, 2].
void add_picture_sums(const float* x, int64_t places, int64_t channels, int64_t groups,
                      double* to) {
  const int64_t parts = parts_of(places, float_bytes(channels, 1)), width = channels / groups;
  std::vector<double> sums(2 * channels * parts);
  over_parts(parts, places, [&](int64_t part, int64_t first, int64_t last) {
    double* own = sums.data() + 2 * channels * part;
    add_channel_sums(x + first * channels, last - first, channels, own, own + channels);
  });
  for (int64_t part = 0; part < parts; ++part) {
    for (int64_t c = 0; c < channels; ++c) {
      double* group = to + 2 * (c / width);
      group[0] += sums[2 * channels * part + c];
      group[1] += sums[2 * channels * part + channels + c];
    }
  }
}

void scale_picture(const float* x, const float* factor, const float* offset, float* y,
                   int64_t places, int64_t channels, bool silu) {
  over_items(places, float_bytes(channels, 2), [&](int64_t first, int64_t last) {
    scale_places(x + first * channels, factor, offset, y + first * channels, last - first, channels,
                 silu);
  });
}

}  // namespace

bool is_dense_picture(const Tensor& x) {
  return is_cpu_float(x) && x.dim() == 4 && x.numel() > 0 && x.is_contiguous(kLast) &&
         !plain_operations();
}

Tensor group_sums(const Tensor& x, int64_t groups) {
  const int64_t rows = x.size(0), channels = x.size(1), places = x.size(2) * x.size(3);
  if (!is_dense_picture(x)) {
    const auto wide = x.to(torch::kFloat64).reshape({rows, groups, -1});
    return torch::stack({wide.sum(2), wide.square().sum(2)}, 2);
  }
  const Timed timed("group norm", nullptr, {0, 1.0 * x.nbytes()});
  auto result = torch::zeros({rows, groups, 2}, torch::kFloat64);
  auto* to = result.data_ptr<double>();
  over_pictures(rows, float_bytes(channels, places), [&](int64_t row) {
    add_picture_sums(x.data_ptr<float>() + row * places * channels, places, channels, groups,
                     to + 2 * row * groups);
  });
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
  over_pictures(x.size(0), 2 * float_bytes(channels, places), [&](int64_t row) {
    const int64_t at = row * places * channels;
    scale_picture(x.data_ptr<float>() + at, f.data_ptr<float>() + row * channels,
                  o.data_ptr<float>() + row * channels, y.data_ptr<float>() + at, places, channels,
                  silu);
  });
  return y;
}

NormResult normalise_groups(const Tensor& x, const Tensor& weight, const Tensor& bias,
                            int64_t groups, double epsilon, bool silu) {
  const Timed timed("group norm", nullptr, {0, 2.0 * x.nbytes()});
  const int64_t rows = x.size(0), channels = x.size(1), places = x.size(2) * x.size(3);
  const int64_t width = channels / groups;
  const auto wide = torch::dtype(torch::kFloat64);
  NormResult result{torch::empty(x.sizes(), x.options().requires_grad(false).memory_format(kLast)),
                    {empty_floats({rows, channels}), empty_floats({rows, channels}),
                     torch::empty({rows, groups}, wide), torch::empty({rows, groups}, wide)}};
  const auto& y = result.y;
  const auto& norm = result.norm;
  const auto count = static_cast<double>(width * places);
  const auto *w = weight.data_ptr<float>(), *b = bias.data_ptr<float>();
  auto *mean = norm.mean.data_ptr<double>(), *inverse = norm.rdeviation.data_ptr<double>();
  over_pictures(rows, 2 * float_bytes(channels, places), [&](int64_t row) {
    const float* from = x.data_ptr<float>() + row * places * channels;
    std::vector<double> sums(2 * groups);
    add_picture_sums(from, places, channels, groups, sums.data());
    auto *factor = norm.factor.data_ptr<float>() + row * channels,
         *offset = norm.offset.data_ptr<float>() + row * channels;
    for (int64_t group = 0; group < groups; ++group) {
      const double m = sums[2 * group] / count;
      const double variance = std::max(sums[2 * group + 1] / count - m * m, 0.0);
      const double i = 1 / std::sqrt(variance + epsilon);
      mean[row * groups + group] = m;
      inverse[row * groups + group] = i;
      for (int64_t c = group * width; c < (group + 1) * width; ++c) {
        factor[c] = static_cast<float>(i * w[c]);
        offset[c] = static_cast<float>(b[c] - m * i * w[c]);
      }
    }
    scale_picture(from, factor, offset, y.data_ptr<float>() + row * places * channels, places,
                  channels, silu);
  });
  return result;
}

NormGradients group_norm_gradients(const Tensor& x, const Tensor& dy, const Tensor& weight,
                                   const Normalised& norm, bool silu) {
  const int64_t rows = x.size(0), channels = x.size(1), places = x.size(2) * x.size(3);
  const int64_t groups = norm.mean.size(1), width = channels / groups;
  const auto count = static_cast<double>(width * places);
  NormGradients g{torch::empty(x.sizes(), x.options().requires_grad(false).memory_format(kLast)),
                  torch::zeros({channels}, torch::kFloat64),
                  torch::zeros({channels}, torch::kFloat64)};
  auto *dweight = g.dweight.data_ptr<double>(), *dbias = g.dbias.data_ptr<double>();
  const auto* w = weight.data_ptr<float>();
  const auto *means = norm.mean.data_ptr<double>(), *inverses = norm.rdeviation.data_ptr<double>();
  // Of each row by itself: added in order afterwards.
  std::vector<double> all(2 * channels * rows), products(channels * rows);
  over_pictures(rows, 3 * float_bytes(channels, places), [&](int64_t row) {
    std::vector<float> slope(channels), constant(channels);
    const int64_t at = row * places * channels;
    const float *from = x.data_ptr<float>() + at, *d = dy.data_ptr<float>() + at,
                *factor = norm.factor.data_ptr<float>() + row * channels,
                *offset = norm.offset.data_ptr<float>() + row * channels;
    float* dx = g.dx.data_ptr<float>() + at;
    double *sums = all.data() + 2 * channels * row,
           *centred_sums = products.data() + channels * row;
    affine_gradients(from, d, factor, offset, dx, places, channels, silu, sums);
    for (int64_t group = 0; group < groups; ++group) {
      const double mean = means[row * groups + group], inverse = inverses[row * groups + group];
      double plain = 0, centred = 0;
      for (int64_t c = group * width; c < (group + 1) * width; ++c) {
        const double product = (sums[channels + c] - mean * sums[c]) * inverse;
        centred_sums[c] = product;
        plain += w[c] * sums[c];
        centred += w[c] * product;
      }
      const double tilt = -inverse * inverse * centred / count;
      for (int64_t c = group * width; c < (group + 1) * width; ++c) {
        slope[c] = static_cast<float>(tilt);
        constant[c] = static_cast<float>(-inverse * plain / count - mean * tilt);
      }
    }
    over_items(places, float_bytes(channels, 2), [&](int64_t first, int64_t last) {
      through_statistics(from + first * channels, factor, slope.data(), constant.data(),
                         dx + first * channels, last - first, channels);
    });
  });
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t c = 0; c < channels; ++c) {
      dweight[c] += products[channels * row + c];
      dbias[c] += all[2 * channels * row + c];
    }
  }
  return g;
}

}  // namespace elbo::kernels

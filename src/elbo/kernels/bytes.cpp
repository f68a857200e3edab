#include "elbo/kernels/bytes.h"

#include <ATen/Dispatch.h>

#include "elbo/core/light.h"
#include "elbo/core/profile.h"
#include "elbo/kernels/parallel.h"
#include "elbo/kernels/vector.h"

namespace elbo {
namespace {

ELBO_CLONES void bytes_to_unit(const uint8_t* in, float* out, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(in[i]) / 255.0f;
}

template <class From>
void convert_row(const From* in, float* out, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(in[i]);
}

}  // namespace

// bits_at() of core/random.h, an element a lane.
ELBO_CLONES void bernoulli_bytes(const uint8_t* in, float* out, int64_t width, uint64_t key,
                                 int64_t row) {
  const uint64_t start = static_cast<uint64_t>(row) * static_cast<uint64_t>(width);
#pragma omp simd
  for (int64_t i = 0; i < width; ++i) {
    uint64_t z = key + 0x9e3779b97f4a7c15ULL * (start + i + 1);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    const uint64_t r = ((z >> 32) * 255) >> 32;  // uniform on 0 … 254
    out[i] = r < in[i] ? 1.0f : 0.0f;
  }
}

ELBO_CLONES void threshold_bytes(const uint8_t* in, float* out, int64_t width) {
#pragma omp simd
  for (int64_t i = 0; i < width; ++i) out[i] = in[i] >= 128 ? 1.0f : 0.0f;
}

Tensor gather_floats(const Tensor& table, const Tensor& rows, bool unit) {
  if (!table.defined()) return table;
  auto shape = table.sizes().vec();
  shape[0] = rows.size(0);
  auto out = empty_floats(shape);
  if (out.numel() == 0) return out;
  const int64_t width = table.numel() / table.size(0);
  const int64_t bytes = width * (table.element_size() + out.element_size());
  const Timed timed("gather rows", nullptr, {0, 1.0 * rows.size(0) * bytes});
  const auto* row = rows.data_ptr<int64_t>();
  auto* to = out.data_ptr<float>();
  const auto over_rows = [&](const auto& convert) {
    kernels::over_items(rows.size(0), bytes, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) convert(row[r] * width, to + r * width);
    });
  };
  if (unit) {
    const auto* from = table.data_ptr<uint8_t>();
    over_rows([&](int64_t at, float* target) { bytes_to_unit(from + at, target, width); });
  } else {
    AT_DISPATCH_ALL_TYPES_AND(torch::kBool, table.scalar_type(), "gather", [&] {
      const auto* from = table.data_ptr<scalar_t>();
      over_rows([&](int64_t at, float* target) { convert_row(from + at, target, width); });
    });
  }
  return out;
}

}  // namespace elbo

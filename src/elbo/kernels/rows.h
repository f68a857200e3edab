#pragma once

#include "elbo/kernels/light.h"
#include "elbo/kernels/parallel.h"
#include "elbo/kernels/vector.h"

// What kernels over rows share: where a row lies, and results of one number or one row each.

namespace elbo::kernels {

/// The rows of a tensor that fuses_rows() accepts; false where it is undefined.
struct Rows {
  float* data = nullptr;
  int64_t stride = 0;
  Rows() = default;
  explicit Rows(const Tensor& t)
      : data(t.defined() ? t.data_ptr<float>() : nullptr),
        stride(t.defined() && t.dim() > 0 ? t.stride(0) : 0) {}
  float* operator[](int64_t row) const { return data + row * stride; }
  explicit operator bool() const { return data != nullptr; }
};
inline int64_t row_width(const Tensor& t) { return t.numel() / t.size(0); }
/// Uninitialised, dense, without gradient.
inline Tensor empty_rows(const Tensor& like) { return empty_floats(like.sizes()); }
inline Tensor empty_sums(const Tensor& like) { return empty_floats({like.size(0)}); }

/// Bytes of so many rows of floats side by side.
constexpr int64_t float_bytes(int64_t width, int64_t rows) {
  return width * rows * static_cast<int64_t>(sizeof(float));
}

/// The row gradients in the shape that broadcasts over a row's elements.
inline Tensor over_elements(const Tensor& rows, const Tensor& like) {
  Shape shape(like.dim(), 1);
  shape[0] = like.size(0);
  return rows.view(shape);
}

/// factor[row] * derivative[row, …], as a new tensor.
Tensor scale_rows(const Tensor& factor, const Tensor& derivative, bool negate = false);

}  // namespace elbo::kernels

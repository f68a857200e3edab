#include "elbo/capi/array_view.h"

#include <limits>

#include "elbo/core/error.h"

namespace elbo::capi {
namespace {

torch::ScalarType scalar_type(int32_t type, const char* what) {
  switch (type) {
    case ELBO_FLOAT32:
      return torch::kFloat32;
    case ELBO_FLOAT64:
      return torch::kFloat64;
    case ELBO_FLOAT16:
      return torch::kFloat16;
    case ELBO_UINT8:
      return torch::kUInt8;
    case ELBO_INT8:
      return torch::kInt8;
    case ELBO_INT16:
      return torch::kInt16;
    case ELBO_INT32:
      return torch::kInt32;
    case ELBO_INT64:
      return torch::kInt64;
    case ELBO_BOOL:
      return torch::kBool;
    default:
      fail("[array] ", what, ": unknown type ", type);
  }
}

/// Strides in elements. Raises an Error for what cannot be one array.
Shape strides_of(const elbo_array& a, const Shape& shape, int64_t item, const char* what) {
  Shape strides(shape.size(), 1);
  bool given = false;
  for (size_t i = 0; i < shape.size(); ++i) given = given || a.strides[i] != 0;
  int64_t next = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = given ? a.strides[i] / item : next;
    check(!given || (a.strides[i] >= 0 && a.strides[i] % item == 0), "[array] ", what, ": stride ",
          a.strides[i], " of axis ", i, ", expected a multiple of ", item, " that is not negative");
    next *= std::max<int64_t>(1, shape[i]);
  }
  return strides;
}

}  // namespace

Tensor tensor_over(const elbo_array& array, const char* what) {
  check(array.dimensions >= 1 && array.dimensions <= ELBO_MOST_DIMENSIONS, "[array] ", what, ": ",
        array.dimensions, " dimensions, allowed 1 to ", ELBO_MOST_DIMENSIONS);
  const Shape shape(array.shape, array.shape + array.dimensions);
  double elements = 1;
  for (const auto size : shape) {
    check(size >= 0, "[array] ", what, ": an axis of ", size);
    elements *= static_cast<double>(size);
  }
  constexpr double kMost = 1e15;
  check(elements < kMost, "[array] ", what, ": ", elements, " elements are too many");
  check(elements > 0, "[array] ", what, ": shape ", to_string(shape), " holds no rows");
  check(array.data != nullptr, "[array] ", what, ": data is NULL");
  const auto type = scalar_type(array.type, what);
  const auto strides = strides_of(array, shape, static_cast<int64_t>(c10::elementSize(type)), what);
  // The library only reads; from_blob knows no const.
  return torch::from_blob(const_cast<void*>(array.data), shape, strides, type);
}

Tensor matrix_over(const elbo_array& array, int64_t width, const char* what) {
  const auto t = tensor_over(array, what);
  check(t.numel() == t.size(0) * width, "[array] ", what, ": shape ", to_string(t.sizes().vec()),
        ", expected rows of ", width, " numbers");
  return t.to(torch::kFloat32).contiguous().view({t.size(0), width});
}

elbo_array view_of(const Tensor& tensor) {
  elbo_array view{};
  view.data = tensor.data_ptr();
  view.type = tensor.scalar_type() == torch::kInt64 ? ELBO_INT64 : ELBO_FLOAT32;
  view.dimensions = static_cast<int32_t>(tensor.dim());
  for (int64_t i = 0; i < tensor.dim(); ++i) {
    view.shape[i] = tensor.size(i);
    view.strides[i] = tensor.stride(i) * static_cast<int64_t>(tensor.element_size());
  }
  return view;
}

}  // namespace elbo::capi

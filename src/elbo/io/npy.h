#pragma once

#include <string>
#include <string_view>

#include "elbo/core/tensor.h"

namespace elbo {

/// A NumPy file (versions 1 to 3, either byte and index order) as a contiguous tensor. Types that
/// libtorch lacks become wider ones. Objects, records, texts and complex numbers are Errors.
/// With an owner of the bytes the tensor lies in them where it can.
Tensor parse_npy(std::string_view bytes, const std::string& where,
                 const std::shared_ptr<void>& owner = nullptr);

/// What stands before the elements of a NumPy file of bytes, int64, float32 or float64 numbers.
std::string npy_header(torch::ScalarType type, const Shape& shape);

/// A tensor over the bytes of a file: type, shape and data length are checked against each other;
/// `big` says that the bytes of each element are reversed. With an owner of the bytes the tensor
/// lies in them where their order and place allow.
Tensor tensor_of_bytes(std::string_view data, torch::ScalarType type, const Shape& shape, bool big,
                       const std::string& where, const std::shared_ptr<void>& owner = nullptr);

}  // namespace elbo

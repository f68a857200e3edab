#pragma once

#include <functional>
#include <string>
#include <vector>

#include "elbo/core/tensor.h"

namespace elbo {

/// What stands beside rows that go to a file.
struct RowLabels {
  std::string column = {};                               // text files: the name of the first column
  std::function<std::string(int64_t row)> of = nullptr;  // and its cells; names of single pictures
  std::vector<std::string> left = {}, top = {};          // of a picture's lines and columns
};

/// Pictures [N, C, H, W] in [0, 1] as one of bytes, `columns` side by side: small ones enlarged so
/// that a person sees them, with words beside its lines and above its columns.
Tensor labelled_grid(const Tensor& pictures, int64_t columns, const RowLabels& labels);

}  // namespace elbo

#pragma once

#include <string>

#include "elbo/data/dataset.h"

namespace elbo {

/// What most readers do last: binarization as the options ask, with `automatic` for "auto".
Data with_binarization(Data data, const DataOptions& options, const std::string& automatic);
/// Raises an Error where a setting that this source has no use for is not at its default.
void refuse_resize(const DataOptions& options, const std::string& where);
void refuse_split(const DataOptions& options, const std::string& where);
/// How many of `found` rows the options leave.
int64_t kept_rows(const DataOptions& options, int64_t found);

/// Schema of real columns: shape, with mean and deviation per column (a constant column has
/// scale 1) in detail.loc and detail.scale. x: [N, …] floating.
Schema real_schema(const Tensor& x);
/// Schema of labels 0 … classes-1 with these names.
Schema category_schema(const std::vector<std::string>& classes);

}  // namespace elbo

#pragma once

#include <functional>
#include <string>

#include "elbo/data/dataset.h"
#include "elbo/data/open.h"

namespace elbo {

/// What most readers do last: binarization as the options ask, with `automatic` for "auto".
Data with_binarization(Data data, const DataOptions& options, const std::string& automatic);
/// Raises an Error where a setting that this source has no use for is not at its default.
void refuse_resize(const DataOptions& options, const std::string& where);
/// Raises an Error where the options ask for a test part.
void refuse_test(const DataOptions& options, const std::string& where);
/// How many of `found` rows the options leave.
int64_t kept_rows(const DataOptions& options, int64_t found);

/// x and its schema from a bare array [N, …]: bytes [N, H, W] and arrays with an axis of at most
/// four channels become images, whole numbers from 0 counts (0 and 1 alone: bits), floats within
/// [0, 1] shares, all others real columns less their origins. The schema's notes say what was
/// decided.
void set_x(Arrays& arrays, Tensor x, const DataOptions& options, const std::string& where);
/// y and its schema from whole numbers, -1 for unknown. The classes are those that `known` names,
/// else 0 to the largest where 0 is one, else the numbers there are in y and in `also` (labels of
/// other rows, or undefined). -1 beside 1 alone is a class.
void set_labels(Arrays& arrays, const Tensor& y, const Tensor& also, const std::string& where,
                const Schemas* known = nullptr);
/// Names of classes as the whole numbers that they are; nothing where one is no number.
std::optional<std::vector<int64_t>> class_values(const std::vector<std::string>& names);
/// "HEIGHTxWIDTH" of the options; {0, 0} where none is given.
std::pair<int64_t, int64_t> resize_of(const DataOptions& options);

/// Rows of a tensor in blocks of some megabytes: f(rows, first). A table that lies in a file may be
/// larger than the memory.
void for_each_rows(const Tensor& x, const std::function<void(const Tensor&, int64_t)>& f);

/// Schema of real columns: shape, with mean and deviation per column (a constant column has
/// scale 1) in detail.loc and detail.scale. x: [N, …] floating.
Schema real_schema(const Tensor& x);
/// What to take off numbers of this mean and deviation that lie so far from zero that float32 would
/// blur them; 0 where they do not. `largest`: of their magnitudes.
double far_origin(double mean, double deviation, double largest);
/// Keeps the origins [1, width] of the schema's numbers; rows hold what is left without them.
void set_origin(Schema& schema, const Tensor& origin);
/// Says that it was done.
std::string origin_note(const Schema& schema);
/// Schema of labels 0 … classes-1 with these names.
Schema category_schema(const std::vector<std::string>& classes);

}  // namespace elbo

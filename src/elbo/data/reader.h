#pragma once

#include <functional>
#include <string>

#include "elbo/data/dataset.h"

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
/// How many classes these labels know: the largest and one; 0 where they are no labels.
int64_t count_classes(const Tensor& y);
/// y and its schema from whole numbers, -1 for unknown (beside 1 alone a class): the classes are 0
/// to the largest, and where none is 0 the numbers that occur, in `others` too. `classes` is the
/// least number of classes that the schema names, `like` a schema whose classes come first.
void set_labels(Arrays& arrays, const Tensor& y, int64_t classes, const std::string& where,
                const Schema* like = nullptr, const Tensor& others = Tensor());
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

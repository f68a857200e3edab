#pragma once

#include <vector>

#include "elbo/data/column.h"
#include "elbo/eval/metric.h"

// Rows of a table for the metrics that judge synthetic ones.

namespace elbo {

/// Training rows, as many synthetic ones under the same conditions, and the judged rows; [n, D]
/// float32 as the columns read them, NaN where a cell is missing. Where rows are drawn for a label,
/// it is the last column.
struct ComparedRows {
  std::vector<Column> columns;
  Tensor training, synthetic, held_out;
};
ComparedRows compared_rows(Subject& subject);
/// At most as many training rows, in the same columns.
Tensor training_cells(Subject& subject, int64_t most);
Json protocol_of(const ComparedRows& rows);

/// Rounded and within the range that was seen, as `elbo sample` writes cells.
Tensor as_written(const Tensor& x, const std::vector<Column>& columns);

/// Whether a column is compared as a number: numbers, dates, and grades that are numbers.
bool is_number(const Column& column);

/// The columns of raw_cells(): grades that are numbers have no classes.
std::vector<Column> raw_columns(const std::vector<Column>& columns);
/// [n, D] float64 cells as a file has them: numbers in full, dates in seconds since 1970, grades
/// that are numbers by their value, other classes by their index.
Tensor raw_cells(const Tensor& x, const std::vector<Column>& columns);

/// [n, F] what trees read: numbers as they are, NaN where missing; classes one-hot, with a column
/// for missing cells where there are any; one number for a column of more than 128 classes. The
/// column `target` is left out.
struct TreeFeatures {
  Tensor x;                     // float32
  std::vector<int64_t> column;  // of each feature
};
TreeFeatures tree_features(const Tensor& x, const std::vector<Column>& columns,
                           int64_t target = -1);

/// "name value, …" of the `most` smallest, or largest, entries: what a figure names.
std::string smallest_of(const std::vector<std::string>& names, const Tensor& values, size_t most);
std::string largest_of(const std::vector<std::string>& names, const Tensor& values, size_t most);

}  // namespace elbo

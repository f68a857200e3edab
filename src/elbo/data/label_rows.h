#pragma once

#include <string>
#include <vector>

#include "elbo/data/dataset.h"

// Labels of rows: those that data have, those of a file, and what is done by them.

namespace ELBO_API elbo {

/// [N] labels of all rows, or undefined.
Tensor labels_of(const Dataset& data);
/// Labels [rows] from the column "class" or "label" of a CSV file, else its first, or from an NPY
/// file: one of the names, its number, or nothing or -1 where it is not known. Raises an Error for
/// anything else.
Tensor read_labels(const std::string& path, const std::vector<std::string>& names, int64_t rows);
/// The classes that such a file tells of, for data that have none: 0 to the largest number where 0
/// is one, else the numbers or names in their order.
std::vector<std::string> label_names(const std::string& path);
/// The data with the labels of a file; the classes are those of `known` where it has any.
Data with_labels(Data data, const std::string& path, const Schemas* known = nullptr);
/// Labels of `per_class` rows of each class, drawn with the seed; the others become unknown. Raises
/// an Error where a class has fewer.
Data few_labels(Data data, int64_t per_class, int64_t seed);
/// The data without the rows that have an alarm in a file of scores: a CSV with a column "alarm" of
/// 0 and 1, or an NPY file whose last column it is. Raises an Error where the rows do not agree.
Data without_alarms(Data data, const std::string& path);
/// The label of each row as its condition, one-hot. Raises an Error where a row has none.
Data label_as_condition(Data data);

}  // namespace elbo

#pragma once

#include <utility>

#include "elbo/core/api.h"
#include "elbo/data/dataset.h"

namespace ELBO_API elbo {

/// How many of `rows` a --validation setting holds out. Raises an Error where none would be left.
int64_t held_out_rows(int64_t rows, double validation);
/// Whole batches in the training rows; a batch larger than all of them counts as one.
int64_t steps_per_epoch(int64_t training_rows, int64_t batch);
/// The validation rows of a training set: the last of a shuffle that depends on the seed alone, or
/// the last in time of rows in that order.
std::pair<Data, Data> split_validation(const Data& data, double validation, int64_t seed);

}  // namespace elbo

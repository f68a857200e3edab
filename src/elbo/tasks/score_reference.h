#pragma once

#include <memory>
#include <string>

#include "elbo/eval/row_score.h"
#include "elbo/tasks/task.h"
#include "elbo/train/kept.h"

namespace elbo {

/// What a threshold is learned from.
struct NormalRows {
  Data rows;  // null where the run keeps their scores
  std::string name;
  int64_t count = 0;
};

/// What the run keeps of such rows, if it is for these options; else null. Raises an Error where it
/// is not and the run's data are elsewhere.
std::shared_ptr<const Kept> kept_scores(const Run& run, const RowScoreOptions& options);
/// Whether the rows are those that the model was trained on; false where its score does not ask.
bool are_training_rows(const Dataset& data, const Run& run, const Model& model);
/// The rows of `given`, a DATA; of the run's validation where it is empty.
NormalRows normal_rows(const TaskInput& input, const std::string& given);

}  // namespace elbo

#pragma once

#include "elbo/tasks/task.h"

namespace elbo {

struct TextFillPlan {
  int64_t fillings = 1, draws = 100, longest = 20;
};
/// Fills the gaps (___) of texts: DATA is a text itself, or a file of lines. The likeliest
/// fillings of each, with their probabilities among all that were found.
Json impute_text(const TaskInput& input, const TextFillPlan& plan);

}  // namespace elbo

#pragma once

#include <string>

#include "elbo/tasks/rows.h"

namespace elbo {

/// A direction in the space of codes along which an attribute grows, [D]: from the mean of the rows
/// without it to the mean of those with it, so that an amount of 1 is the distance of the two.
struct Direction {
  Tensor step;
  double separation = 0;  // distance of the means in deviations along the step
  int64_t positives = 0, negatives = 0;
};
/// `text` is POSITIVES:NEGATIVES, each a class of the run's data or DATA. Methods: "mean"
/// (difference of means), "logistic" (the normal of a logistic regression's plane).
Direction find_direction(const TaskInput& input, const CodeLayout& layout, const std::string& text,
                         const std::string& method, const Draw& draw);

}  // namespace elbo

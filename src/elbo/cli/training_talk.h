#pragma once

#include <string>
#include <utility>
#include <vector>

#include "elbo/train/plan.h"

namespace elbo {

/// What training says before its first step: data, model, how long. Lines of at most `columns`.
std::vector<std::string> start_lines(const TrainPlan& plan, const std::string& device,
                                     size_t columns);
/// The numbers of a log line's part: the loss first, then what it is made of.
std::vector<std::pair<std::string, double>> terms_of(const Json& object);
/// A line of the log within `columns`: with fewer digits, then fewer terms where it is too long.
std::string log_text(const Json& line, int64_t epochs, size_t columns);

}  // namespace elbo

#pragma once

#include <string>

#include "elbo/train/plan.h"

namespace elbo {

/// What a training would be: layers with their shapes, parameters, arithmetic and memory.
Json shape_report(const TrainPlan& plan);
/// The same as text.
std::string shape_text(const Json& report);

}  // namespace elbo

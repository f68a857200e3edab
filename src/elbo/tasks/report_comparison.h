#pragma once

#include <string>
#include <vector>

#include "elbo/tasks/report_parts.h"

namespace elbo {

/// Runs side by side: figures with their errors, the best marked; which options differ; validation
/// losses.
std::string comparison_part(const std::vector<Reported>& runs);

}  // namespace elbo

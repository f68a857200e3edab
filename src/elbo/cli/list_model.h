#pragma once

#include <string>
#include <vector>

#include "elbo/cli/table.h"
#include "elbo/core/options.h"

namespace elbo {

/// Options with defaults, what is allowed, and what they mean.
TextTable option_table(const std::vector<OptionHelp>& options);
/// A model of the zoo: what it is, and the options of each of its parts with the defaults that hold
/// for it. Lines of at most `columns` (0 = any length).
std::string model_text(const std::string& name, size_t columns);

}  // namespace elbo

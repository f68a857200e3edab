#pragma once

#include <string>

#include "elbo/core/options.h"

namespace elbo {

/// A result for people: one line per member, lists of objects as tables.
std::string result_text(const Json& result);
/// Prints a result on stdout: as text, or as one line of JSON.
void print_result(const Json& result, bool json);

}  // namespace elbo

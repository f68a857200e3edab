#pragma once

#include <string>

#include "elbo/data/open.h"

namespace ELBO_API elbo {

/// DATA whose reader nobody has named, and a line that says what they were taken for.
struct Recognised {
  std::string source, note;  // "series:x.csv" and why; the text itself and "" where nothing was
};
/// A log of numbers over time, at regular steps or such that neighbours are alike, is a series;
/// every other table stays one.
Recognised recognised(const std::string& text, const DataOptions& options);

}  // namespace elbo

#pragma once

#include <functional>
#include <string>

#include "elbo/core/api.h"
#include "elbo/data/dataset.h"
#include "elbo/data/open.h"

namespace ELBO_API elbo {

/// Data that the program makes itself: "builtin:NAME". Deterministic in the options' seed, with a
/// train and a test part.
Registry<const Dataset, const DataOptions&>& builtins();

/// One part of made data; its draws are those of `stream`, which the part's name has entered.
struct MadePart {
  std::string split;
  int64_t rows;
  uint64_t stream;
};
/// The parts that the options ask for, of these default sizes, made by `make` and joined.
Data make_parts(const std::string& name, const DataOptions& options, int64_t train, int64_t test,
                const std::function<Data(const MadePart&)>& make);

}  // namespace elbo

#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "elbo/train/run.h"

// Commands that read runs and data of others: what they need is decided before anything is parsed.

namespace elbo {

/// --no-sandbox.
void add_sandbox_flag(CLI::App& app, bool& without);

/// What a command writes, and what it serves.
struct Confinement {
  std::vector<std::string> outputs;  // named on the command line; those without a name lie here
  bool serves = false;
  int64_t port = 0;
  std::vector<std::string> inputs = {};  // further files that a server reads
  int64_t threads = 0;                   // that wait, whose stacks take no memory to speak of
};

/// Confines the process to that: it writes to the runs, the folders of the outputs, the current
/// one and that for temporary files; a server also reads nothing but the run, its data and the
/// system's files. To be called before the model is loaded.
void confine(const std::vector<std::shared_ptr<const Run>>& runs, const Confinement& what);

}  // namespace elbo

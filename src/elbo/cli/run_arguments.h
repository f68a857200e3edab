#pragma once

#include <memory>
#include <string>
#include <vector>

#include "elbo/cli/command.h"
#include "elbo/cli/confine.h"
#include "elbo/nn/bf16.h"
#include "elbo/tasks/task.h"

namespace elbo {

/// What every command that reads a run is given: RUN, DATA and how to talk.
struct RunArguments {
  std::string run, data_folder, precision = "fp32";
  TaskInput input;
  bool quiet = false, json = false, no_sandbox = false;
  std::unique_ptr<Bf16Weights> low;  // of the model, where products are of bfloat16 numbers
};

/// --data-dir: where relative data paths are also looked for.
void add_data_folder(CLI::App& app, std::string& folder);
/// -q: the same in every command.
void add_quiet_flag(CLI::App& app, bool& quiet);
/// The same for readers: sets ELBO_DATA where the flag was given.
void use_data_folder(const std::string& folder);

/// `data` is a task's "never", "may" or "must".
void add_run_arguments(CLI::App& app, RunArguments& a, const std::string& data);
/// --precision: for commands whose numbers may be rounded.
void add_precision(CLI::App& app, RunArguments& a);
/// Opens the run and loads its model into a.input; from before the loading on the process is
/// confined to what a.input.out and `also` name.
void open_run(RunArguments& a, Confinement also = {});

/// The runs among several paths, in their order. The folder of a sweep stands for the runs in it;
/// what is there and is no run, such as a log that a shell's * has named, or has no weights, is
/// left out, which is said on standard error unless `quiet`. Raises an Error for a path where
/// nothing is, and where no run is left.
std::vector<std::shared_ptr<const Run>> open_runs(const std::vector<std::string>& paths,
                                                  bool quiet);

}  // namespace elbo

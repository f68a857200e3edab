#pragma once

#include <filesystem>

#include "elbo/tasks/task.h"

namespace elbo {

/// What one job may take of the machine.
struct JobBudget {
  int64_t memory = 0;            // bytes
  std::filesystem::path folder;  // where its file goes: half of what is free there
};

/// Raises an Error where an option's value is not among those that clients may give: numbers, truth
/// values, the words of an option, and texts that are read as values and cannot name a file.
void check_job_options(const Registry<Task>::Entry& task, const Json& options);
/// Raises an HttpError 413 where the options ask for more than the budget, by an upper estimate
/// from the sizes of rows and the counts of draws and steps.
void check_job_size(const Json& options, const Schemas& schemas, const JobBudget& budget);

}  // namespace elbo

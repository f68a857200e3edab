#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace elbo {

/// One start of this program: its arguments, and the file that takes what it prints.
struct Job {
  std::vector<std::string> arguments;
  std::string log;
};
/// Runs jobs, at most `at_once` at a time, each with `threads` threads; `done` hears each job's
/// place and exit status. A caught signal ends the running ones, which save what they have, and
/// starts no others. Returns whether all have ended by themselves.
bool run_jobs(const std::vector<Job>& jobs, int64_t at_once, int64_t threads,
              const std::function<void(size_t job, int status)>& done);

}  // namespace elbo

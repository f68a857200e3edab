#pragma once

#include <filesystem>
#include <memory>

#include "elbo/core/api.h"
#include "elbo/train/run.h"

namespace ELBO_API elbo {

/// What a task works on. Unset members are absent: the task says what it misses.
struct TaskInput {
  std::shared_ptr<const Run> run;
  std::shared_ptr<Model> model;       // in evaluation mode
  std::string data;                   // DATA of the command line; empty = none given
  std::filesystem::path out;          // file or folder to write; empty = the task's own default
  std::filesystem::path folder = {};  // for files that nobody has named; empty = the current one
  std::function<void(double done)> progress = [](double) {};  // 0 … 1
  /// Takes one line of a result that goes on for as long as DATA do; unset = nobody reads along.
  std::function<void(const std::string& line)> say = nullptr;
};

/// One thing a trained model can do; the command line and the server list the same tasks.
class Task {
 public:
  virtual ~Task() = default;
  /// Returns what a machine reads; files go to `out`. Nothing is half-written on an Error.
  virtual Json run(const TaskInput& input) = 0;
  /// "never", "may" or "must": whether DATA is given.
  virtual std::string data() const { return "must"; }
  /// Whether products of bfloat16 numbers will do: what it gives need not be equal to the last
  /// digit.
  virtual bool may_round() const { return false; }
  /// An example of the command, for --help.
  virtual std::string example() const = 0;
};
Registry<Task>& tasks();

}  // namespace elbo

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "elbo/cli/command.h"

namespace elbo {

constexpr int kUsageStatus = 2;

/// A command line that cannot be understood; exit status 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The known word that a mistyped one most likely means, or "".
std::string nearest(const std::string& word, const std::vector<std::string>& known);

/// `elbo --help`.
std::string program_help();
/// The parser of one command, and what to run after it has parsed.
struct CommandLine {
  std::unique_ptr<CLI::App> app;
  Command::Body body;
};
CommandLine command_line(const Command& command);
/// `elbo COMMAND --help`.
std::string command_help(const Command& command);

/// Finds the command that the arguments name, reads them and runs it; returns the exit status.
/// Raises UsageError.
int run_program(const std::vector<std::string>& arguments);

}  // namespace elbo

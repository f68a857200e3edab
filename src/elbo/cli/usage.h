#pragma once

#include <iosfwd>
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

/// The general help and, each behind a record separator and its name, the help of every command:
/// what the small program that people start answers by itself.
void print_pages(std::ostream& out);

/// Finds the command that the arguments name, reads them and runs it; returns the exit status.
/// Raises UsageError.
int run_program(const std::vector<std::string>& arguments);

}  // namespace elbo

#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <string>
#include <vector>

namespace elbo {

/// A command of the program. Each source file of this folder registers its own; the main program
/// lists them and never changes.
struct Command {
  /// What runs after the arguments are read; returns the exit status.
  using Body = std::function<int()>;

  std::string name, about;
  std::vector<std::string> examples;  // whole command lines
  /// Declares the arguments; they live as long as the body.
  std::function<Body(CLI::App&)> declare;
};

/// All commands by name. Asked for once the program runs: tasks have registered by then.
std::vector<Command> commands();
/// Called from a static initialiser; `make` is called by commands().
bool add_commands(std::function<std::vector<Command>()> make);
inline bool add_command(Command command) {
  return add_commands([command] { return std::vector<Command>{command}; });
}

}  // namespace elbo

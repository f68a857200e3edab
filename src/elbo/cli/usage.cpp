#include "elbo/cli/usage.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <iostream>
#include <numeric>

#include "elbo/core/error.h"
#include "elbo/core/options.h"
#include "elbo/host/threads.h"
#include "elbo/io/csv.h"

namespace elbo {
namespace {

constexpr int64_t kMostThreads = 1024;

/// Damerau's distance: insertions, deletions, changes, and swaps of neighbours.
size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  std::iota(d[0].begin(), d[0].end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const auto guess = nearest(word, known);
  return guess.empty() ? "" : "; did you mean \"" + guess + "\"?";
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    for (const auto& name : option->get_fnames()) names.push_back("--" + name);
  }
  return names;
}

/// What was wrong, in one line. An unknown option is named before anything that it displaced.
std::string explain(const CLI::App& app, const CLI::ParseError& error) {
  const std::string see = " (elbo " + app.get_name() + " --help)";
  for (const auto& word : app.remaining()) {
    if (word.size() < 2 || word[0] != '-') continue;
    const auto name = word.substr(0, word.find('='));
    return "[" + app.get_name() + "] unknown option \"" + name + "\"" +
           did_you_mean(name, option_names(app)) + see;
  }
  if (!app.remaining().empty()) {
    return "[" + app.get_name() + "] \"" + app.remaining().front() + "\" is one argument too many" +
           see;
  }
  return "[" + app.get_name() + "] " + error.what() + see;
}

/// What every command has.
void add_threads(CLI::App& app) {
  app.add_option_function<int64_t>(
         "--threads",
         [](const int64_t& count) {
           check(count >= 1 && count <= kMostThreads, "[threads] found ", count, ", allowed 1 to ",
                 kMostThreads);
           fix_threads(count);
         },
         "number of threads, which then never changes (all cores that other processes leave "
         "free, unless OMP_NUM_THREADS is set), e.g. 2")
      ->type_name("NUMBER");
}

}  // namespace

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  std::string best;
  size_t least = std::max<size_t>(1, word.size() / 3) + 1;
  for (const auto& candidate : known) {
    const size_t d = distance(word, candidate);
    const bool shortened = word.size() >= 4 && candidate.starts_with(word);
    if (d < least || (shortened && least > 1)) {
      best = candidate;
      least = std::min(d, least - 1);
    }
  }
  return best;
}

std::string program_help() {
  std::ostringstream out;
  out << "elbo: variational autoencoders, trained on your own data and put to use\n\n"
         "Usage: elbo COMMAND [RUN] [DATA] [options]\n\nCommands:\n";
  const auto all = commands();
  size_t width = 0;
  for (const auto& command : all) width = std::max(width, command.name.size());
  for (const auto& command : all) {
    out << "  " << command.name << std::string(width + 2 - command.name.size(), ' ')
        << command.about << "\n";
  }
  out << "\nFirst steps:\n  elbo train builtin:digits --out runs/digits\n  elbo sample runs/digits "
         "-n 64 -o samples.png\n\nelbo COMMAND --help shows a command's options and examples, elbo "
         "list everything you can choose.\nRUN is a folder written by elbo train.\n\nExit status: "
         "0 done, 1 an error you can fix, 2 invalid command line, 70 a bug in elbo,\n130 or 143 "
         "interrupted (the run is saved and can be resumed).\n";
  return out.str();
}

CommandLine command_line(const Command& command) {
  CommandLine line{std::make_unique<CLI::App>(command.about, command.name), nullptr};
  std::string footer = "Examples:";
  for (const auto& example : command.examples) footer += "\n  " + example;
  line.app->footer(footer);
  line.app->get_formatter()->column_width(36);
  line.app->get_formatter()->label("Positionals", "Arguments");
  line.app->get_formatter()->label("REQUIRED", "(required)");
  line.body = command.declare(*line.app);
  add_threads(*line.app);
  return line;
}

std::string command_help(const Command& command) {
  const auto line = command_line(command);
  auto text = line.app->help();
  const std::string usage = "Usage: ";
  const auto at = text.find(usage);
  return at == std::string::npos ? text : text.insert(at + usage.size(), "elbo ").insert(at, "\n");
}

int run_program(const std::vector<std::string>& arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    // Runs and messages are JSON, which holds nothing else.
    if (!is_utf8(arguments[i])) {
      throw UsageError("argument " + std::to_string(i + 1) + " is not valid UTF-8");
    }
  }
  const auto first = arguments.empty() ? std::string("--help") : arguments.front();
  if (first == "--help" || first == "-h" || first == "help") {
    (arguments.empty() ? std::cerr : std::cout) << program_help();
    return arguments.empty() ? kUsageStatus : 0;
  }
  if (first == "--version") {
    std::cout << "elbo " << ELBO_VERSION << "\n";
    return 0;
  }
  std::vector<std::string> names;
  for (const auto& command : commands()) {
    names.push_back(command.name);
    if (command.name != first) continue;
    const auto line = command_line(command);
    std::vector<std::string> rest(arguments.rbegin(), arguments.rend() - 1);
    try {
      line.app->parse(rest);
    } catch (const CLI::CallForHelp&) {
      std::cout << command_help(command);
      return 0;
    } catch (const CLI::ParseError& error) {
      throw UsageError(explain(*line.app, error));
    }
    return line.body();
  }
  throw UsageError("unknown command \"" + first + "\"" + did_you_mean(first, names) +
                   " (elbo --help)");
}

}  // namespace elbo

#include "elbo/cli/usage.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <iostream>
#include <numeric>

#include "elbo/cli/table.h"
#include "elbo/core/error.h"
#include "elbo/core/words.h"
#include "elbo/host/threads.h"
#include "elbo/io/csv.h"

namespace elbo {
namespace {

constexpr size_t kHelpWidth = 80;
constexpr size_t kHelpColumn = 28;  // where the meaning of an option begins
constexpr int64_t kMostThreads = 1024;

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

/// Lines of help within 80 columns; what an option means goes on below itself.
std::string in_width(const std::string& text) {
  std::string out;
  std::istringstream lines(text);
  bool examples = false;
  for (std::string line; std::getline(lines, line);) {
    examples |= line.starts_with("Examples:");
    const bool option = line.starts_with("  ");
    // A command line is copied as it is.
    out += (examples ? line : wrapped(line, kHelpWidth, option ? kHelpColumn : 0)) + "\n";
  }
  return out;
}

}  // namespace

std::string program_help() {
  std::ostringstream out;
  out << "elbo: variational autoencoders, trained on your own data and put to use\n\n"
         "Usage: elbo COMMAND [RUN] [DATA] [options]\n\nCommands:\n";
  const auto all = commands();
  size_t width = 0;
  for (const auto& command : all) width = std::max(width, command.name.size());
  for (const auto& command : all) {
    const std::string gap(width + 2 - command.name.size(), ' ');
    out << wrapped("  " + command.name + gap + command.about, kHelpWidth, width + 4) << "\n";
  }
  out << "\nFirst steps:\n  elbo train builtin:digits --out runs/digits\n  elbo sample runs/digits "
         "-n 64 -o samples.png\n\nelbo COMMAND --help shows a command's options and examples, elbo "
         "list everything you can choose.\nRUN is a folder written by elbo train.\n\nExit status: "
         "0 done, 1 an error you can fix, 2 invalid command line, 70 a bug in elbo,\n130 or 143 "
         "interrupted (the run is saved and can be resumed).\n";
  return in_width(out.str());
}

CommandLine command_line(const Command& command) {
  CommandLine line{std::make_unique<CLI::App>(command.about, command.name), nullptr};
  std::string footer = "Examples:";
  for (const auto& example : command.examples) footer += "\n  " + example;
  line.app->footer(footer);
  line.app->get_formatter()->column_width(kHelpColumn);
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
  if (at != std::string::npos) text.insert(at + usage.size(), "elbo ").insert(at, "\n");
  return in_width(text);
}

void print_pages(std::ostream& out) {
  out << program_help();
  for (const auto& command : commands()) {
    out << '\x1e' << command.name << '\n' << command_help(command);
  }
}

int run_program(const std::vector<std::string>& arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    // Runs and messages are JSON, which holds nothing else.
    if (!is_utf8(arguments[i])) {
      throw UsageError("argument " + std::to_string(i + 1) + " is not valid UTF-8");
    }
  }
  const auto first = arguments.empty() ? std::string("--help") : arguments.front();
  const bool help = first == "--help" || first == "-h" || first == "help";
  if (help && arguments.size() > 1) {
    auto of = arguments;
    of.erase(of.begin());
    of.resize(1);
    of.push_back("--help");
    return run_program(of);
  }
  if (help) {
    (arguments.empty() ? std::cerr : std::cout) << program_help();
    return arguments.empty() ? kUsageStatus : 0;
  }
  if (first == "--help-pages") {
    print_pages(std::cout);
    return 0;
  }
  if (first == "--version" || first == "-V") {
    std::cout << "elbo " << ELBO_VERSION << "\n";
    return 0;
  }
  std::vector<std::string> names{"help"};
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
  names.insert(names.end(), {"--version", "--help"});
  if (first == "version") names = {"--version"};  // as other programs have it
  throw UsageError("unknown command \"" + first + "\"" + did_you_mean(first, names) +
                   " (elbo --help)");
}

}  // namespace elbo

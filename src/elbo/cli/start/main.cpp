// The program that people start. It answers --version and --help by itself, since loading libtorch
// takes longer than reading the answer; for the rest it sets what OpenMP reads when it is loaded
// and becomes elbo-core.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "elbo/host/start.h"

namespace elbo {

std::vector<std::pair<std::string, std::string>> embedded_pages();

namespace {

constexpr int kBroken = 70;

/// The page of a command, of "" the general one; "" where there is none.
std::string page(const std::string& command) {
  const auto text = embedded_pages().front().second;
  constexpr char kBetween = '\x1e';
  size_t from = 0;
  while (from < text.size()) {
    const size_t to = std::min(text.find(kBetween, from), text.size());
    const auto one = text.substr(from, to - from);
    if (from == 0 && command.empty()) return one;
    const auto name = one.substr(0, one.find('\n'));
    if (from > 0 && name == command) return one.substr(name.size() + 1);
    from = to + 1;
  }
  return "";
}

bool asks_help(const std::string& word) { return word == "--help" || word == "-h"; }

/// What can be said without libtorch; "" = something else is asked.
std::string answer(const std::vector<std::string>& words) {
  if (words.size() == 1 && (words[0] == "--version" || words[0] == "-V")) {
    return "elbo " ELBO_VERSION "\n";
  }
  if (words.size() == 1 && (asks_help(words[0]) || words[0] == "help")) return page("");
  if (words.size() == 2 && words[0] == "help") return page(words[1]);
  if (words.size() == 2 && asks_help(words[1])) return page(words[0]);
  return "";
}

/// Beside this program, as it is built, or where the installation puts it.
std::string core_path() {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto self = fs::read_symlink("/proc/self/exe", error);
  const auto folder = (error ? fs::path(ELBO_BINDIR) : self.parent_path());
  for (const auto& path : {folder / "elbo-core", folder / ELBO_TO_LIBEXEC / "elbo-core"}) {
    if (fs::exists(path, error)) return path.lexically_normal().string();
  }
  std::cerr << "elbo: [start] " << (folder / "elbo-core").string()
            << ": missing; the program consists of both files" << std::endl;
  return "";
}

void prepare_environment(char** words) {
  // UCX, which Debian 13's libtorch loads, answers a closed terminal by waiting for a debugger.
  set_if_absent("UCX_HANDLE_ERRORS", "none");
  set_if_absent("UCX_DEBUG_SIGNO", "0");
  if (prepared_threads() > 0) return;
  const int64_t cores = usable_cores(), threads = threads_for(cores);
  prepare_openmp(threads < cores, words);
  setenv(kPrepared, std::to_string(threads).c_str(), 1);
  setenv(kStarted, "1", 1);
}

}  // namespace
}  // namespace elbo

int main(int count, char** arguments) {
  const auto text = elbo::answer({arguments + 1, arguments + count});
  if (!text.empty()) {
    std::cout << text << std::flush;
    if (std::cout.good()) return 0;
    std::cerr << "elbo: [stdout] results could not be written" << std::endl;
    return 1;
  }
  const auto core = elbo::core_path();
  if (core.empty()) return elbo::kBroken;
  elbo::prepare_environment(arguments);
  execv(core.c_str(), arguments);
  std::cerr << "elbo: [start] " << core << ": cannot be run" << std::endl;
  return elbo::kBroken;
}

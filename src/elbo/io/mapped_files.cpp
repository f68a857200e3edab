#include "elbo/io/mapped_files.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>

namespace elbo {
namespace {

struct Mapping {
  std::atomic<uintptr_t> from{0}, to{0};  // both 0: not in use
  char path[240] = "";
};
Mapping mappings[32];

void say_to_terminal(const char* text) {
  const auto done = ::write(STDERR_FILENO, text, std::strlen(text));
  (void)done;  // there is nobody else to tell
}

/// Only what a signal's handler may do.
void at_bus_error(int signal, siginfo_t* info, void*) {
  const auto at = reinterpret_cast<uintptr_t>(info->si_addr);
  for (const auto& one : mappings) {
    if (at < one.from || at >= one.to) continue;
    say_to_terminal("elbo: [file] ");
    say_to_terminal(one.path);
    say_to_terminal(
        ": was cut short while it was in use; a training continues from its last checkpoint with "
        "--resume\n");
    ::_exit(1);
  }
  // Something else: the access is repeated and ends the process.
  ::signal(signal, SIG_DFL);
}

}  // namespace

void note_mapping(const void* from, size_t bytes, const std::string& path) {
  for (auto& one : mappings) {
    uintptr_t free = 0;
    if (!one.to.compare_exchange_strong(free, 1)) continue;
    const size_t length = path.copy(one.path, sizeof one.path - 1);
    one.path[length] = '\0';
    std::replace_if(
        one.path, one.path + length, [](unsigned char c) { return c < ' ' || c == 127; }, '?');
    one.from = reinterpret_cast<uintptr_t>(from);
    one.to = one.from + bytes;
    return;
  }
}

void forget_mapping(const void* from) {
  for (auto& one : mappings) {
    if (one.from != reinterpret_cast<uintptr_t>(from)) continue;
    one.from = 0;
    one.to = 0;
    return;
  }
}

void end_at_cut_files() {
  struct sigaction action {};
  action.sa_sigaction = at_bus_error;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
}

}  // namespace elbo

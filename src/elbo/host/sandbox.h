#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace elbo {

/// What a process still needs once it begins to read what others have written.
struct SandboxPlan {
  std::vector<std::string> written;  // folders and files; what lies beneath them, too
  std::vector<std::string> read;     // the same; empty = everything
  std::optional<int> port;           // to listen on, 0 = any free one
  int64_t memory = 0;                // bytes of data, 0 = no bound
};

/// From now on this thread and those that it starts write beneath the plan's folders alone, start
/// no program, reach no port of a machine, and trace, load or mount nothing: Landlock and seccomp
/// of Linux, without privileges and for good. What the system does not have is left out. Memory
/// beyond the plan's is not given: std::bad_alloc.
/// Other threads that run already stay as they are: call it before there are any.
void enter_sandbox(const SandboxPlan& plan);

/// What this machine has of it, in words; "" where it has nothing.
std::string sandbox_support();

}  // namespace elbo

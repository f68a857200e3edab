#include "elbo/cli/processes.h"

#include <ATen/Parallel.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <vector>

#include "elbo/core/error.h"
#include "elbo/group/join.h"
#include "elbo/host/threads.h"
#include "elbo/io/file.h"

namespace elbo {
namespace {

using Clock = std::chrono::steady_clock;
constexpr const char* kStartedHere = "ELBO_LAUNCHED";
constexpr std::chrono::seconds kToEnd{8};  // for the others, once one has ended badly

std::vector<std::string> own_arguments() {
  const auto line = read_file("/proc/self/cmdline");
  std::vector<std::string> words;
  for (size_t from = 0; from < line.size();) {
    words.emplace_back(line.c_str() + from);
    from += words.back().size() + 1;
  }
  return words;
}

std::vector<int> allowed_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return cores;
  for (int c = 0; c < CPU_SETSIZE; ++c) {
    if (CPU_ISSET(c, &mask)) cores.push_back(c);
  }
  return cores;
}

/// Neighbouring cores for one of `count` processes; they share where there are too few.
cpu_set_t cores_for(const std::vector<int>& cores, int64_t rank, int64_t count) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  const auto n = static_cast<int64_t>(cores.size());
  const int64_t from = rank * n / count, to = std::max((rank + 1) * n / count, from + 1);
  for (int64_t i = from; i < to && n > 0; ++i) CPU_SET(cores[static_cast<size_t>(i % n)], &mask);
  return mask;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  for (auto& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

std::vector<std::string> environment_for(int64_t rank, int64_t count, const Meeting& meeting) {
  std::vector<std::string> all;
  for (char** at = environ; *at; ++at) all.emplace_back(*at);
  const auto set = [&](const std::string& name, const std::string& value) {
    std::erase_if(all, [&](const auto& line) { return line.starts_with(name + "="); });
    all.push_back(name + "=" + value);
  };
  set("RANK", std::to_string(rank));
  set("LOCAL_RANK", std::to_string(rank));
  set("WORLD_SIZE", std::to_string(count));
  set("LOCAL_WORLD_SIZE", std::to_string(count));
  set("MASTER_ADDR", "127.0.0.1");
  set("MASTER_PORT", std::to_string(meeting.port()));
  set("ELBO_SECRET", meeting.secret());
  set("TORCHELASTIC_USE_AGENT_STORE", "True");  // this process answers there
  set(kStartedHere, "1");
  return all;
}

struct Child {
  pid_t pid = 0;
  int talk = -1;  // what it says, but for the first, which speaks for all
  bool ended = false;
  int status = 0;
};

Child start(int64_t rank, int64_t count, const Meeting& meeting) {
  Child child;
  auto arguments = own_arguments();
  auto environment = environment_for(rank, count, meeting);
  const auto argv = pointers(arguments), envp = pointers(environment);
  const auto mask = cores_for(allowed_cores(), rank, count);
  if (rank > 0) child.talk = memfd_create("elbo-talk", MFD_CLOEXEC);
  const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  const pid_t parent = getpid();
  child.pid = fork();
  check(child.pid >= 0, "[train] nproc: process ", rank,
        " cannot be started: ", std::strerror(errno));
  if (child.pid == 0) {
    // Between fork and exec of a program with threads only plain system calls are allowed.
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(1);
    sched_setaffinity(0, sizeof mask, &mask);
    if (rank > 0) {
      dup2(nowhere, STDIN_FILENO);
      dup2(nowhere, STDOUT_FILENO);
      dup2(child.talk, STDERR_FILENO);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execve("/proc/self/exe", argv.data(), envp.data());
    _exit(127);
  }
  close(nowhere);
  return child;
}

std::string text_of(int file) {
  const auto size = lseek(file, 0, SEEK_END);
  std::string text(static_cast<size_t>(std::max<off_t>(size, 0)), '\0');
  const auto got = pread(file, text.data(), text.size(), 0);
  text.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  return text;
}

/// The last error that a process of this program has written; empty where there is none.
std::string error_in(const std::string& said) {
  constexpr std::string_view kBefore = "elbo: ";
  const auto at = said.rfind(kBefore);
  if (at == std::string::npos) return "";
  const auto from = at + kBefore.size();
  return said.substr(from, said.find('\n', from) - from);
}

class Processes {
 public:
  explicit Processes(int64_t count) : meeting_(open_meeting()) {
    sigemptyset(&signals_);
    for (int s : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&signals_, s);
    sigprocmask(SIG_BLOCK, &signals_, &before_);
    for (int64_t r = 0; r < count; ++r) children_.push_back(start(r, count, *meeting_));
  }
  ~Processes() {
    for (const auto& child : children_) {
      if (!child.ended) kill(child.pid, SIGKILL);
      if (child.talk >= 0) close(child.talk);
    }
    sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  int wait() {
    while (running() > 0) {
      const timespec moment{0, 200000000};
      const int signal = sigtimedwait(&signals_, nullptr, &moment);
      if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP) pass_on(SIGTERM);
      collect();
      if (first_bad_ >= 0 && Clock::now() - failed_at_ > kToEnd) pass_on(SIGKILL);
    }
    return verdict();
  }

 private:
  int64_t running() const {
    return std::count_if(children_.begin(), children_.end(),
                         [](const Child& c) { return !c.ended; });
  }
  void pass_on(int signal) const {
    for (const auto& child : children_) {
      if (!child.ended) kill(child.pid, signal);
    }
  }
  void collect() {
    for (size_t r = 0; r < children_.size(); ++r) {
      auto& child = children_[r];
      if (child.ended || waitpid(child.pid, &child.status, WNOHANG) != child.pid) continue;
      child.ended = true;
      const bool good = WIFEXITED(child.status) &&
                        (WEXITSTATUS(child.status) == 0 || WEXITSTATUS(child.status) > 128);
      if (good || first_bad_ >= 0) continue;
      first_bad_ = static_cast<int64_t>(r);
      failed_at_ = Clock::now();
      meeting_->call_off(how_it_ended(r));
    }
  }
  std::string how_it_ended(size_t r) const {
    const int status = children_[r].status;
    const auto name = "process " + std::to_string(r) + " of " + std::to_string(children_.size());
    if (!WIFSIGNALED(status))
      return name + " ended with status " + std::to_string(WEXITSTATUS(status));
    return name + " was killed by signal " + std::to_string(WTERMSIG(status)) + " (" +
           strsignal(WTERMSIG(status)) + ")";
  }
  /// The first process speaks for all: only what it cannot tell is said here.
  int verdict() const {
    if (first_bad_ < 0) return WEXITSTATUS(children_[0].status);
    const auto& bad = children_[static_cast<size_t>(first_bad_)];
    const bool crashed = !WIFEXITED(bad.status) || WEXITSTATUS(bad.status) != 1;
    if (crashed && bad.talk >= 0) std::cerr << text_of(bad.talk);
    const int first = children_[0].status;
    // Frozen it could not tell what the others found out.
    const auto cause = bad.talk >= 0 && !crashed ? error_in(text_of(bad.talk)) : "";
    check(WIFEXITED(first) || cause.empty(), cause);
    check(WIFEXITED(first) && WEXITSTATUS(first) != 0, "[train] ",
          how_it_ended(static_cast<size_t>(first_bad_)),
          "; --resume continues from the last checkpoint");
    return WEXITSTATUS(first);
  }

  std::unique_ptr<Meeting> meeting_;
  std::vector<Child> children_;
  sigset_t signals_, before_;
  int64_t first_bad_ = -1;
  Clock::time_point failed_at_;
};

const char* variable(const char* name) { return std::getenv(name); }

}  // namespace

bool is_launched() { return find_launch(variable).has_value(); }

int64_t local_rank() {
  const auto launch = find_launch(variable);
  return launch ? launch->local_rank : 0;
}

std::shared_ptr<Group> join_launched_group() {
  const auto launch = find_launch(variable);
  if (!launch) return nullptr;
  // Who starts several processes on a machine without cores of their own shares them.
  if (!std::getenv(kStartedHere) && !threads_are_fixed()) {
    at::set_num_threads(std::max(1, at::get_num_threads() / static_cast<int>(launch->local_size)));
  }
  return join_group(*launch);
}

int start_processes(int64_t count) {
  std::string why;
  check(can_join(&why), "[train] nproc: ", why);
  return Processes(count).wait();
}

}  // namespace elbo

// The program for many short trials: loaded once, forked for each. A start of the program costs
// 0.4 s, nearly all of it for loading libraries; a fork of a process that has loaded them costs
// milliseconds, and runs the same main. What libraries tear down at the very end is left out: that
// takes as long as a short trial.
//   elbo_zygote WORDS…   is the program
//   elbo_zygote          reads a request per line and answers each with a line of JSON
// A request: "words" (arguments), "folder" (to work in), "stdout" and "stderr" (files); optional
//   "environment" ({NAME: text, or null for none}), "data" (bytes that it may allocate), "work"
//   (seconds of processor time, at the end of which it gets SIGXCPU), "limit" (seconds until it is
//   killed), "alone" (it has the process number 1; needs root).
// An answer: "status" (of exit, or minus the signal), "late" (killed at the limit), "memory" (peak,
// bytes), "seconds".

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <torch/torch.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

int elbo_main(int count, char** arguments);

namespace {

using Json = nlohmann::json;

constexpr int kNoStart = 126;  // what was asked for could not be set up

void must(bool holds, const char* what) {
  if (holds) return;
  std::perror(what);
  ::_exit(kNoStart);
}

/// What libtorch and its BLAS make when they are first used. Nothing that draws, has a gradient or
/// starts a thread: a child would inherit the numbers, and would miss the thread.
void warm_up() {
  const torch::NoGradGuard no_gradients;
  at::set_num_threads(1);
  const auto image = torch::ones({2, 1, 8, 8}), filter = torch::ones({3, 1, 3, 3});
  const auto dense = torch::ones({8, 8});
  torch::conv2d(image, filter).relu().sum();
  torch::mm(dense, dense).exp().log_softmax(1).to(torch::kFloat64).to(torch::kInt64);
}

/// Threads of this process; a fork takes along the one that forks alone.
long threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

void open_as(int number, const std::string& path, int how) {
  constexpr mode_t kMode = 0644;
  const int opened = ::open(path.c_str(), how, kMode);
  must(opened >= 0 && ::dup2(opened, number) == number, path.c_str());
  if (opened != number) ::close(opened);
}

void bound(int resource, rlim_t most) {
  const rlimit limit{most, most + 1};  // at the second one of work it is killed
  must(most == 0 || ::setrlimit(resource, &limit) == 0, "a limit");
}

[[noreturn]] void become_program(const Json& asked) {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const auto folder = asked.at("folder").get<std::string>();
  must(::chdir(folder.c_str()) == 0, folder.c_str());
  open_as(STDIN_FILENO, "/dev/null", O_RDONLY);
  open_as(STDERR_FILENO, asked.at("stderr"), O_WRONLY | O_CREAT | O_TRUNC);
  open_as(STDOUT_FILENO, asked.at("stdout"), O_WRONLY | O_CREAT | O_TRUNC);
  const auto environment = asked.value("environment", Json::object());
  for (const auto& [name, value] : environment.items()) {
    if (value.is_null()) ::unsetenv(name.c_str());
    if (!value.is_null()) ::setenv(name.c_str(), value.get<std::string>().c_str(), 1);
  }
  bound(RLIMIT_DATA, asked.value("data", rlim_t{0}));
  bound(RLIMIT_CPU, asked.value("work", rlim_t{0}));
  auto words = asked.at("words").get<std::vector<std::string>>();
  words.insert(words.begin(), "elbo");
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const int status = elbo_main(static_cast<int>(words.size()), pointers.data());
  std::cout.flush();
  std::fflush(nullptr);
  ::_exit(status);
}

double now() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// Waits for a signal of a child that has ended, so long at most.
void await_child(double seconds) {
  sigset_t ends;
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGCHLD);
  const auto whole = static_cast<time_t>(seconds);
  const timespec until{whole, static_cast<long>(1e9 * (seconds - static_cast<double>(whole)))};
  ::sigtimedwait(&ends, nullptr, &until);
}

Json run(const Json& asked) {
  const double began = now(), limit = asked.value("limit", 60.0);
  const pid_t child = ::fork();
  must(child >= 0, "fork");
  if (child == 0) become_program(asked);
  int status = 0;
  bool late = false;
  rusage used{};
  while (!late && ::wait4(child, &status, WNOHANG, &used) == 0) {
    const double left = limit - (now() - began);
    late = left <= 0;
    if (!late) await_child(left);
  }
  if (late) {
    ::kill(child, SIGKILL);
    must(::wait4(child, &status, 0, &used) == child, "wait");
  }
  constexpr int64_t kUnit = 1024;  // bytes, of ru_maxrss
  return {{"status", WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status)},
          {"late", late},
          {"memory", used.ru_maxrss * kUnit},
          {"seconds", now() - began}};
}

/// The first process of a container has the number 1: so has the child of this middle one.
void run_alone(const Json& asked) {
  const pid_t middle = ::fork();
  must(middle >= 0, "fork");
  if (middle > 0) {
    must(::waitpid(middle, nullptr, 0) == middle, "wait");
    return;
  }
  must(::unshare(CLONE_NEWPID) == 0, "unshare");
  std::cout << run(asked) << std::endl;
  ::_exit(0);
}

void answer(const Json& asked) {
  if (asked.value("alone", false)) return run_alone(asked);
  std::cout << run(asked) << std::endl;
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1) return elbo_main(count, arguments);
  sigset_t ends;
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &ends, nullptr);
  warm_up();
  std::cout << Json{{"threads", threads()}} << std::endl;
  if (threads() != 1) return 1;
  // Not through std::cin, whose state a child would inherit. A request waits for the answer before.
  std::string line;
  char piece[1 << 12];
  for (ssize_t got; (got = ::read(STDIN_FILENO, piece, sizeof piece)) > 0;) {
    line.append(piece, static_cast<size_t>(got));
    if (line.back() != '\n') continue;
    answer(Json::parse(line));
    line.clear();
  }
  return 0;
}

#include "elbo/cli/children.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

#include "elbo/cli/signals.h"
#include "elbo/core/error.h"
#include "elbo/host/start.h"

namespace elbo {
namespace {

[[noreturn]] void become(const Job& job, int64_t threads) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);  // a killed sweep leaves nobody behind
  const auto count = std::to_string(threads);
  setenv(kPrepared, count.c_str(), 1);
  setenv("OMP_NUM_THREADS", count.c_str(), 1);
  const int log = open(job.log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (log < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0) _exit(70);
  std::vector<char*> words{const_cast<char*>("elbo")};
  for (const auto& word : job.arguments) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execv("/proc/self/exe", words.data());
  _exit(70);
}

int status_of(int wait_status) {
  constexpr int kSignalled = 128;
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : kSignalled + WTERMSIG(wait_status);
}

}  // namespace

bool run_jobs(const std::vector<Job>& jobs, int64_t at_once, int64_t threads,
              const std::function<void(size_t job, int status)>& done) {
  const CatchSignals signals;
  std::map<pid_t, size_t> running;
  bool told = false;
  size_t next = 0;
  while (!running.empty() || (next < jobs.size() && caught_signal == 0)) {
    while (next < jobs.size() && caught_signal == 0 &&
           static_cast<int64_t>(running.size()) < at_once) {
      const pid_t child = fork();
      check(child >= 0, "[sweep] no further process can be started");
      if (child == 0) become(jobs[next], threads);
      running[child] = next++;
    }
    if (caught_signal != 0 && !told) {
      told = true;
      for (const auto& [child, job] : running) kill(child, SIGTERM);
    }
    int status = 0;
    const pid_t ended = waitpid(-1, &status, WNOHANG);
    constexpr useconds_t kPause = 20000;  // so that a signal is heard
    if (ended <= 0) {
      usleep(kPause);
      continue;
    }
    const auto at = running.find(ended);
    if (at == running.end()) continue;
    done(at->second, status_of(status));
    running.erase(at);
  }
  return caught_signal == 0;
}

}  // namespace elbo

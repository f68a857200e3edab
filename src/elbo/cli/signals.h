#pragma once

#include <csignal>

namespace elbo {

/// The number of the signal that CatchSignals has seen; 0 = none.
inline volatile std::sig_atomic_t caught_signal = 0;

/// The first Ctrl-C or SIGTERM asks the loop to stop after its step; a second one kills. A terminal
/// that is closed asks, too (unless nohup has it ignored), and its lost output ends nothing.
class CatchSignals {
 public:
  CatchSignals() {
    struct sigaction action {};
    action.sa_handler = [](int signal) { caught_signal = signal; };
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
    sigaction(SIGINT, &action, &int_);
    sigaction(SIGTERM, &action, &term_);
    sigaction(SIGHUP, nullptr, &hangup_);
    action.sa_flags = static_cast<int>(SA_RESTART);  // shell and terminal may both say it
    if (hangup_.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, &pipe_);
  }
  ~CatchSignals() {
    sigaction(SIGINT, &int_, nullptr);
    sigaction(SIGTERM, &term_, nullptr);
    sigaction(SIGHUP, &hangup_, nullptr);
    sigaction(SIGPIPE, &pipe_, nullptr);
  }
  CatchSignals(const CatchSignals&) = delete;
  CatchSignals& operator=(const CatchSignals&) = delete;

 private:
  struct sigaction int_ {
  }, term_{}, hangup_{}, pipe_{};
};

}  // namespace elbo

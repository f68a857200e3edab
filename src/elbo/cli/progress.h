#pragma once

#include <chrono>
#include <string>

#include "elbo/train/trainer.h"

namespace elbo {

/// How progress is told on stderr: a bar on a terminal, plain lines in a pipe, or nothing.
enum class Talk { nothing, lines, bar };
Talk talk_for(bool quiet);

/// Columns of the terminal that stderr is; 80 where it is none.
size_t progress_columns();
/// "3:07", "1:02:09".
std::string clock_text(double seconds);
/// "54,700".
std::string grouped(int64_t number);
/// "kl 21.34  reconstruction 88.1".
std::string terms_text(const std::vector<std::pair<std::string, double>>& terms);

/// Tells how something goes on; the bar is drawn at most ten times a second.
class ProgressTalk {
 public:
  explicit ProgressTalk(Talk talk);
  ~ProgressTalk() { clear(); }
  /// Training: rate, time left, means of the terms since the last log line.
  void training(const Progress& progress);
  /// Anything that knows its share done, 0 … 1.
  void share(double done);
  /// A line of text that stays, above the bar.
  void say(const std::string& line);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  bool due();
  void draw(double share, const std::string& before, const std::string& after);
  double seconds() const;

  Talk talk_;
  bool drawn_ = false;
  Clock::time_point start_, last_;
  int64_t first_step_ = -1;
};

}  // namespace elbo

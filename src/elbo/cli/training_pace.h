#pragma once

#include <algorithm>
#include <chrono>

#include "elbo/cli/progress.h"

namespace elbo {

/// Says once, after the first second of steps, how long training will take.
class Estimate {
 public:
  void at(const Progress& p, ProgressTalk& talk) {
    if (said_) return;
    const auto now = Clock::now();
    if (first_ < 0) {
      first_ = p.step;
      first_rows_ = p.rows;
      start_ = now;
      return;
    }
    const double spent = std::chrono::duration<double>(now - start_).count();
    if (spent < 1) return;
    said_ = true;
    const auto done = static_cast<double>(std::max<int64_t>(1, p.step - first_));
    const double left = spent / done * static_cast<double>(p.steps - p.step);
    constexpr double kWorthSaying = 3;
    if (left < kWorthSaying) return;
    talk.say("time   about " + clock_text(left) + " for all steps, at " +
             grouped(static_cast<int64_t>(static_cast<double>(p.rows - first_rows_) / spent)) +
             " rows/s");
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_;
  int64_t first_ = -1, first_rows_ = 0;
  bool said_ = false;
};

/// Rows per second from the first step on, validation, logging and saving included.
class Rate {
 public:
  void at(int64_t rows) {
    rows_ = rows;
    if (first_rows_ < 0) {
      first_ = Clock::now();
      first_rows_ = rows;
    }
  }
  double rows_per_second() const {
    const std::chrono::duration<double> spent = Clock::now() - first_;
    return rows_ > first_rows_ ? static_cast<double>(rows_ - first_rows_) / spent.count() : 0;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point first_;
  int64_t rows_ = 0, first_rows_ = -1;
};

}  // namespace elbo

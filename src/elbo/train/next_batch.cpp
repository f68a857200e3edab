#include "elbo/train/next_batch.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <utility>

#include "elbo/core/profile.h"

namespace elbo {
namespace {

// Longer steps win little by a helper, and have work that all threads share: it would be in their
// way.
constexpr double kShortStep = 300e-6;
constexpr int64_t kFewNumbers = 1 << 15;
// Steps that are compared, with the helper and without, and from one comparison to the next.
constexpr int64_t kCompared = 24, kBetween = 4096;

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

Batch NextBatch::take(const Request& now, const Tensor& next) {
  finish();
  const bool ready = step_ == now.step;
  const Timed timed("read rows");
  auto batch = ready ? std::exchange(batch_, {}) : now.data.get(now.rows, now.draw);
  step_.reset();
  decide(batch);
  if (helper() && next.defined()) {
    step_ = now.step + 1;
    helper_->give([this, &data = now.data, next, draw = now.draw] {
      const Timed timed("read rows");
      batch_ = data.get(next, draw);
    });
  }
  return batch;
}

void NextBatch::finish() {
  if (!helper_) return;
  try {
    helper_->finish();
  } catch (...) {
    step_.reset();
    throw;
  }
}

void NextBatch::abandon() noexcept {
  try {
    finish();
  } catch (...) {  // what ended the step is what is told
  }
}

void NextBatch::forget() noexcept {
  abandon();
  step_.reset();
  batch_ = {};
}

void NextBatch::decide(const Batch& batch) {
  const auto now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - before_).count();
  before_ = now;
  const bool spare = at::get_num_threads() > 1;  // may change between two steps
  ++taken_;
  if (!spare) {
    end_helper();
    steps_are_long_ = false;  // they are judged again where a core comes back
  } else if (helper_) {
    compare(seconds);
  } else if (spare && !steps_are_long_ && batch.x.numel() <= kFewNumbers) {
    helper_ = std::make_unique<Helper>();
    used_ = true;
    taken_ = 1;
  }
}

void NextBatch::end_helper() {
  used_ = false;
  helper_.reset();
  for (auto& list : seconds_) list.clear();
}

void NextBatch::compare(double seconds) {
  const int64_t place = taken_ % kBetween;
  if (place > 2 * kCompared) return;
  seconds_[used_ ? 0 : 1].push_back(seconds);
  const auto& tried = seconds_[0];
  if (tried.size() >= 3 && *std::min_element(tried.end() - 3, tried.end()) > kShortStep) {
    steps_are_long_ = true;
    return end_helper();
  }
  used_ = place < kCompared;
  if (place < 2 * kCompared) return;
  const double with = median(seconds_[0]), without = median(seconds_[1]);
  used_ = with < without;
  for (auto& list : seconds_) list.clear();
}

}  // namespace elbo

#pragma once

#include <deque>
#include <numeric>

#include "elbo/core/tensor.h"

namespace elbo {

/// The mean of the last so many scores, of fewer at the beginning.
class Smooth {
 public:
  explicit Smooth(int64_t length) : length_(static_cast<size_t>(length)) {}
  /// scores: [n] float64.
  Tensor operator()(const Tensor& scores) {
    if (length_ == 1) return scores;
    auto out = scores.clone().contiguous();
    auto* value = out.data_ptr<double>();
    for (int64_t i = 0; i < out.numel(); ++i) {
      last_.push_back(value[i]);
      if (last_.size() > length_) last_.pop_front();
      // A running sum would carry the rounding of one enormous score along.
      value[i] =
          std::accumulate(last_.begin(), last_.end(), 0.0) / static_cast<double>(last_.size());
    }
    return out;
  }

 private:
  size_t length_;
  std::deque<double> last_;
};

}  // namespace elbo

#pragma once

#include <optional>

#include "elbo/core/api.h"
#include "elbo/train/means.h"

namespace ELBO_API elbo {

/// Where a training stands: its counters, its best epoch, and what waits to be logged.
struct Book {
  int64_t step = 0, epoch = 0, position = 0;  // position: steps done within the epoch
  double lr_scale = 1;
  int64_t roll_backs = 0;
  std::optional<double> best;  // loss of the best epoch
  int64_t bad_epochs = 0;      // since then
  bool ended_early = false;
  Means means, epoch_means;  // since the last log line; since the epoch began

  void add(const std::vector<std::pair<std::string, double>>& terms, double rows);
  /// One step is done, of an epoch of `per_epoch` steps.
  void advance(int64_t per_epoch);
  /// Ends an epoch of this loss: whether it is the best. `patience`: epochs without a better one
  /// that end the training, 0 = never.
  bool close_epoch(double loss, int64_t patience);
  Json save() const;
  void restore(const Json& saved);
};

}  // namespace elbo

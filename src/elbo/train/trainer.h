#pragma once

#include <functional>
#include <memory>
#include <string>

#include "elbo/core/api.h"
#include "elbo/group/row_draws.h"
#include "elbo/model/spec.h"
#include "elbo/train/book.h"
#include "elbo/train/next_batch.h"
#include "elbo/train/optimizer.h"
#include "elbo/train/options.h"
#include "elbo/train/split.h"
#include "elbo/train/state.h"

namespace ELBO_API elbo {

class Game;
class GradientSum;

/// What a step, a log line or an epoch tells.
struct Progress {
  int64_t epoch = 0, epochs = 0;      // epoch counts from 1
  int64_t step = 0, steps = 0;        // of the whole training
  int64_t rows = 0;                   // trained on since fit() began
  const Means* train = nullptr;       // since the last log line
  const GradientSum* sums = nullptr;  // the step's sums over processes; null = alone
};

class Trainer {
 public:
  struct Hooks {
    std::function<bool(const Progress&)> on_step;     // false stops after this step
    std::function<void(const Json& line)> on_log;     // train means, and validation at epoch ends
    std::function<void()> on_keep;                    // the weights to keep are in the model now
    std::function<void(bool must)> on_checkpoint;     // state() may be saved now, or must be
    std::function<void(const std::string&)> on_note;  // roll-backs and the like
  };
  enum class End { finished, stopped, early };

  Trainer(std::shared_ptr<Model> model, std::shared_ptr<Objective> objective, TrainOptions options);
  ~Trainer();
  /// Non-finite losses roll back once with half the step, then raise an Error naming the tensor.
  /// `validation` may be null.
  End fit(const Data& train, const Data& validation, const Hooks& hooks = {});

  using State = TrainState;
  State state() const;
  void restore(const State& state);
  int64_t step() const { return book_.step; }

 private:
  /// `next`: the rows of the step after this one, or undefined. False: a loss is not finite.
  bool step_on(const Dataset& train, const Tensor& rows, const Tensor& next, const RowPart& part);
  StepSettings settings() const;
  void roll_back(const std::string& cause, const Hooks& hooks);
  Json validate(const Data& data);
  void end_epoch(const Data& validation, const Hooks& hooks);
  void keep_good();

  std::shared_ptr<Model> model_;
  std::shared_ptr<Objective> objective_;
  TrainOptions options_;
  std::unique_ptr<Game> game_;
  NextBatch batches_;
  Book book_;
  State good_;  // the latest that is sound
};

}  // namespace elbo

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/core/schedule.h"
#include "elbo/group/agreement.h"
#include "elbo/model/spec.h"
#include "elbo/train/gradient_sum.h"
#include "elbo/train/next_batch.h"
#include "elbo/train/optimizer.h"

namespace ELBO_API elbo {

struct TrainOptions {
  int64_t epochs = 30;
  int64_t steps = 0;
  int64_t batch = 128;
  Schedule lr = 1e-3;
  std::string optimizer = "adam", keep = "best";
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 0, clip = 0, average = 0;
  bool normalize = false;
  double validation = 0.1;
  int64_t patience = 0;
  int64_t seed = 0;
  int64_t log_every = 0;
  int64_t checkpoint_every = 0;
  template <class F>
  void fields(F&& f) {
    f("epochs", epochs, "passes over the training rows", at_least(0));
    f("steps", steps, "stop after this many steps (0 = use --epochs)", at_least(0));
    f("batch", batch, "rows per step, over all processes together", at_least(1));
    f("lr", lr, "learning rate: a number or a schedule", between(0, 10));
    f("optimizer", optimizer, "update rule", one_of({"adam", "adamw", "adamax"}));
    f("beta1", beta1, "decay rate of the first moment", between(0, 1));
    f("beta2", beta2, "decay rate of the second moment", between(0, 1));
    f("epsilon", epsilon, "constant added to the root of the second moment", at_least(0));
    f("weight_decay", weight_decay, "L2 penalty (adamw: decoupled)", at_least(0));
    f("clip", clip, "largest norm of the gradient (0 = no limit)", at_least(0));
    f("average", average, "decay rate of the averaged weights, e.g. 0.999 (0 = no averaging)",
      between(0, 1));
    f("normalize", normalize, "scale each tensor's gradient to norm 1 before the update");
    f("validation", validation,
      "rows held out for validation: a share below 1, else a number of rows", at_least(0));
    f("patience", patience,
      "stop when validation has not improved for this many epochs (0 = never)", at_least(0));
    f("keep", keep, "weights to keep: of the best validation, or of the last epoch",
      one_of({"best", "last"}));
    f("seed", seed, "seed of weights, data order and noise", at_least(0));
    f("log_every", log_every, "steps between log lines within an epoch (0 = one per epoch)",
      at_least(0));
    f("checkpoint_every", checkpoint_every, "steps between saved states (0 = one per epoch)",
      at_least(0));
  }
};

/// The loss and its parts as numbers.
std::vector<std::pair<std::string, double>> numbers(const Terms& terms);

/// Means of the logged terms over some steps, in order of appearance.
class Means {
 public:
  void add(const std::vector<std::pair<std::string, double>>& terms, double weight);
  std::vector<std::pair<std::string, double>> values() const;
  Json save() const;
  void restore(const Json& saved);
  void clear() { *this = Means(); }
  /// Over the rows of all processes, where there is a group.
  void sum_over_group();

 private:
  std::vector<std::pair<std::string, double>> sums_;
  double weight_ = 0;
};

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
  /// Non-finite losses roll back once with half the step, then raise an Error naming the tensor.
  /// `validation` may be null.
  End fit(const Data& train, const Data& validation, const Hooks& hooks = {});

  /// All that a bit-exact resume needs.
  struct State {
    std::vector<std::pair<std::string, Tensor>> tensors;
    Json facts;
  };
  State state() const;
  void restore(const State& state);
  int64_t step() const { return step_; }

 private:
  /// `next`: the rows of the step after this one, or undefined.
  bool step_on(const Dataset& train, const Tensor& rows, const Tensor& next, const RowPart& part);
  bool train_step(const Batch& batch);  // false: the loss is not finite, nothing was stepped
  bool backward(const Terms& terms);
  bool backward_in_group(size_t player, const Terms& terms);
  bool asks_to_go_on(const Progress& progress, const Hooks& hooks);
  StepSettings settings() const;
  void roll_back(const std::string& cause, const Hooks& hooks);
  std::string first_not_finite() const;
  Json validate(const Data& data);
  void end_epoch(const Data& validation, const Hooks& hooks);
  std::vector<std::pair<std::string, Tensor>> live_tensors() const;
  void keep_good();
  // In a group:
  void join_group();
  void agree_on_state();

  std::shared_ptr<Model> model_;
  std::shared_ptr<Objective> objective_;
  TrainOptions options_;
  std::vector<std::pair<std::string, Tensor>> buffers_;
  std::unique_ptr<FlatParameters> flat_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<GradientSum> gradient_sum_;  // in a group
  std::unique_ptr<Agreement> agreement_;       // in a group
  std::vector<Player> players_;
  std::vector<std::vector<Span>> spans_;
  NextBatch batches_;

  int64_t step_ = 0, epoch_ = 0, position_ = 0;  // position_: steps done within the epoch
  double lr_scale_ = 1;
  int64_t roll_backs_ = 0;
  double best_ = 0;
  bool has_best_ = false;
  int64_t bad_epochs_ = 0;
  bool ended_early_ = false;
  Means means_, epoch_means_;
  State good_;
};

/// How many of `rows` a --validation setting holds out. Raises an Error where none would be left.
int64_t held_out_rows(int64_t rows, double validation);
/// Whole batches in the training rows; a batch larger than all of them counts as one.
int64_t steps_per_epoch(int64_t training_rows, int64_t batch);
/// The validation rows of a training set: the last of a shuffle that depends on the seed alone, or
/// the last in time of rows in that order.
std::pair<Data, Data> split_validation(const Data& data, double validation, int64_t seed);

}  // namespace elbo

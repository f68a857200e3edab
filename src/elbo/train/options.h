#pragma once

#include <string>

#include "elbo/core/api.h"
#include "elbo/core/schedule.h"

namespace ELBO_API elbo {

struct TrainOptions {
  int64_t epochs = 30;
  int64_t steps = 0;
  int64_t batch = 128;
  Schedule lr = 1e-3;
  std::string optimizer = "adam", keep = "best", precision = "fp32";
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 0, clip = 0, average = 0;
  bool normalize = false;
  double validation = 0.1;
  double hide = -1;
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
    f("hide", hide,
      "tables: share of the cells hidden in training, so that the model can fill them (-1 = 0.25 "
      "for a table of several columns)",
      between(-1, 0.5));
    f("patience", patience,
      "stop when validation has not improved for this many epochs (0 = never)", at_least(0));
    f("keep", keep, "weights to keep: of the best validation, or of the last epoch",
      one_of({"best", "last"}));
    f("precision", precision,
      "numbers that products of dense layers and convolutions take: bf16 needs a processor with "
      "AVX512-BF16 or AMX (auto = bf16 where it is there)",
      one_of({"fp32", "bf16", "auto"}));
    f("seed", seed, "seed of weights, data order and noise", at_least(0));
    f("log_every", log_every, "steps between log lines within an epoch (0 = one per epoch)",
      at_least(0));
    f("checkpoint_every", checkpoint_every, "steps between saved states (0 = one per epoch)",
      at_least(0));
  }
};

}  // namespace elbo

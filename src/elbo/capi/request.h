#pragma once

#include "elbo/eval/row_score.h"
#include "elbo/train/plan.h"
#include "elbo/train/run.h"

namespace elbo::capi {

/// What elbo_train() is asked for beside the data.
struct TrainWish {
  TrainRequest train;
  RowScoreOptions reference;  // of the scores that the run keeps
  bool force = false;
  int64_t threads = 0;
};
/// Raises an Error for unknown names and wrong types.
TrainWish read_request(const char* json);
/// The facts of a run that is to go on with other epochs, steps, patience or lr; no other option
/// may change.
Json resumed_facts(const Run& run, const Json& options);

}  // namespace elbo::capi

#pragma once

#include <memory>
#include <string>

#include "elbo/data/memory_source.h"
#include "elbo/elbo.h"
#include "elbo/eval/row_score.h"
#include "elbo/model/codes.h"
#include "elbo/tasks/task.h"

// What the handles of the C interface point to.

struct elbo_data {
  std::string source;  // DATA of the command line
  elbo::Json options;
  std::shared_ptr<const elbo::NamedSource> memory;  // null where it lies in files
  mutable int64_t counted = -1;                     // rows that the caller was told of
};

struct elbo_table {
  int64_t rows = 0;
  elbo::MemoryColumns columns;
};

struct elbo_run {
  std::shared_ptr<const elbo::Run> run;
  std::shared_ptr<elbo::Model> model;       // null until it is first asked for
  elbo::CodeLayout layout;                  // of the model
  std::shared_ptr<elbo::RowScorer> scorer;  // of the last scores, which knows what is usual
  std::string scorer_for;                   // its options
};

struct elbo_rows {
  elbo::Tensor rows;
};

namespace elbo::capi {

/// The run's model and the layout of its codes, loaded once.
Model& model_of(elbo_run& run);

}  // namespace elbo::capi

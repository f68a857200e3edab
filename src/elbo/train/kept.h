#pragma once

#include <memory>
#include <string>
#include <vector>

#include "elbo/train/run.h"

namespace elbo {

/// What a run keeps so that it is of use where its data are not: codes and figures, no rows unless
/// somebody asks for them. eval/keep.h makes it.
struct Kept {
  Tensor codes;    // [n, D] posterior means of held-out rows; undefined = the model does not encode
  Tensor y, c;     // their labels [n] and conditions [n, …]; undefined = none
  Tensor x, mask;  // the same rows themselves; undefined = not kept
  std::vector<std::string> names;  // of kept rows
  Tensor seen, seen_y;             // codes [m, D] of labelled training rows, and their labels [m]
  Tensor forest;                   // trees on their cells, as eval/forest.h has them
  Tensor scores,
      usual;      // [R, 4 + densities] parts of the anomaly scores of normal rows; [1, …] as in
                  // RowScorer
  Tensor levels;  // [13, D] of the columns of training rows, as in eval/drift.h
  Tensor interval_levels, fills;  // as eval/completion_check.h has them
  /// "step" of the weights; "score": {"draws", "seed", "from"}; "labels": {"known", "rows",
  /// "wrong_by_forest", "doubt_of_forest"} of the training rows; "figures", "findings".
  Json about = Json::object();
};

/// Null where there is none, or where it belongs to other weights.
std::shared_ptr<const Kept> load_kept(const Run& run);
void save_kept(const Run& run, const Kept& kept);
/// The kept rows, else rows that the model decodes from the codes when they are first asked for.
Data rows_of(const Kept& kept, const Run& run);

}  // namespace elbo

#pragma once

#include "elbo/eval/completion.h"
#include "elbo/train/kept.h"

namespace elbo {

/// What held-out rows of a table, of which a quarter of the cells is hidden, say about completions.
struct CompletionCheck {
  /// For each hidden number the mass of the smallest central interval that holds it, [n] in
  /// ascending order; undefined where there are none.
  Tensor levels;
  /// [2, D] as CompletionPlan has them: by column what came nearest to the hidden cells (least
  /// squared error), the model's mean unless another is better by a tenth; undefined as above.
  Tensor fills;
};

/// `training`: rows whose mean and median are constants to fill with.
CompletionCheck check_completion(Model& model, const Data& training, const Data& held_out,
                                 const std::vector<Column>& columns);

/// The mass that intervals are to be drawn with so that they hold `mass` of the numbers: that of
/// split conformal prediction (Vovk et al. 2005) where it is larger, else `mass` itself; also where
/// `kept` is null or has no levels.
double honest_mass(const Kept* kept, double mass);
/// What a run keeps of CompletionCheck::fills; undefined where `kept` is null or has none.
Tensor kept_fills(const Kept* kept);

}  // namespace elbo

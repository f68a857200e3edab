#pragma once

#include "elbo/eval/completion.h"
#include "elbo/train/kept.h"

namespace elbo {

/// What held-out rows of a table, of which a quarter of the cells is hidden, say about completions.
struct CompletionCheck {
  /// For each hidden number the mass of the smallest central interval that holds it, [n] in
  /// ascending order; undefined where there are none.
  Tensor levels;
  /// [3, D] as CompletionPlan has them. Numbers: the model's mean, or its median where that is
  /// better by a tenth, mixed with the mean or median of the training rows by the weight that
  /// brings both nearest to the hidden cells (stacking, Breiman 1996). Grades and classes: the
  /// model's, or one value where that is nearer. Undefined without held-out rows.
  Tensor fills;
};

/// `training`: rows whose mean, median and most frequent class are constants to fill with.
CompletionCheck check_completion(Model& model, const Data& training, const Data& held_out,
                                 const std::vector<Column>& columns);

/// The mass that intervals are to be drawn with so that they hold `mass` of the numbers: that of
/// split conformal prediction (Vovk et al. 2005) where it is larger, else `mass` itself; also where
/// `kept` is null or has no levels.
double honest_mass(const Kept* kept, double mass);
/// How a run fills cells, by what it keeps (`kept` may be null): the expected values (m = 1) or m
/// draws, intervals of honest_mass().
CompletionPlan completion_plan(const Kept* kept, int64_t draws, int64_t m, double interval);

}  // namespace elbo

#pragma once

#include "elbo/eval/completion.h"
#include "elbo/train/kept.h"

namespace elbo {

/// How far a model's intervals are from what they promise, from held-out rows of a table of which
/// it hides a quarter of the cells: for each hidden number the mass of the smallest central
/// interval that holds it, [n] in ascending order; undefined where there are none.
Tensor interval_levels(Model& model, const Data& held_out, const std::vector<Column>& columns);

/// The mass that intervals are to be drawn with so that they hold `mass` of the numbers: that of
/// split conformal prediction (Vovk et al. 2005) where it is larger, else `mass` itself; also where
/// `kept` is null or has no levels.
double honest_mass(const Kept* kept, double mass);

}  // namespace elbo

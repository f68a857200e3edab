#pragma once

#include <functional>
#include <memory>

#include "elbo/eval/row_score.h"
#include "elbo/train/kept.h"

namespace elbo {

/// What a trained run is to keep, made from its data, which must be here: codes of held-out rows
/// and of labelled training rows, reference scores of validation rows, figures and the diagnosis.
/// `rows`: how many held-out rows to keep themselves; `reference`: draws and seed of the scores.
/// What a model cannot do is left out.
Kept gather_kept(const Run& run, const std::shared_ptr<Model>& model, int64_t rows,
                 const std::function<void(double)>& progress,
                 const RowScoreOptions& reference = {});

/// The same at the end of a training, kept in the run. `say` receives a sentence where the weights
/// hold training rows, and where the disk takes nothing. Returns the findings of a short look at
/// the run.
Json keep_for_later(const Run& run, int64_t rows, const std::function<void(double)>& progress,
                    const std::function<void(const std::string&)>& say,
                    const RowScoreOptions& reference = {});

}  // namespace elbo

#pragma once

#include <functional>
#include <memory>

#include "elbo/train/kept.h"

namespace elbo {

/// What a trained run is to keep, made from its data, which must be here: codes of held-out rows
/// and of labelled training rows, reference scores of validation rows, figures and the diagnosis.
/// `rows`: how many held-out rows to keep themselves. What a model cannot do is left out.
Kept gather_kept(const Run& run, const std::shared_ptr<Model>& model, int64_t rows,
                 const std::function<void(double)>& progress);

}  // namespace elbo

#pragma once

#include <string>

#include "elbo/data/schema.h"
#include "elbo/train/options.h"

// What training does where nobody has said it.

namespace elbo {

/// The model of the zoo for data of this form: one for texts and one for molecules that keep their
/// codes, else the plain one.
std::string usual_model(const Schema& x);

/// Few rows in large batches are few steps: takes smaller batches and more epochs, which end where
/// validation stops improving. Returns a line that says so; empty where nothing changes.
std::string usual_budget(TrainOptions& options, int64_t training_rows, bool validates);

}  // namespace elbo

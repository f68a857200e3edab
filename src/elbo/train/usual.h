#pragma once

#include <string>
#include <vector>

#include "elbo/data/schema.h"
#include "elbo/train/options.h"

// What training does where nobody has said it.

namespace elbo {

/// What a model can be wanted for beside all that each of them does.
const std::vector<std::string>& purposes();
/// The model of the zoo for data of this form: one for texts and one for molecules that keep their
/// codes, one for the purpose (a name of purposes(); empty = none) where there is one for such
/// rows, else the plain one.
std::string usual_model(const Schema& x, const std::string& purpose = "");

/// Few rows in large batches are few steps: takes smaller batches and more epochs, which end where
/// validation stops improving. Returns a line that says so; empty where nothing changes.
std::string usual_budget(TrainOptions& options, const Schema& x, int64_t training_rows,
                         bool validates);

/// Whether most rows lack the labels that some have: those without tell where classes lie, too.
bool labels_are_few(int64_t known, int64_t rows);
/// Training for the classes of few labels, whose model need not be at its best: about half a minute
/// on two cores by `flops` of a row, forward, with a learning rate that falls, ended where
/// validation stops improving. Returns a line that says so; empty where it is short anyway.
std::string usual_label_budget(TrainOptions& options, int64_t flops, int64_t training_rows,
                               bool validates);

/// What the request itself says of training, by which the two below let its words stand.
/// Rows of a step for texts and molecules, whose steps are long: small batches learn most in a
/// given time. Returns whether rows of this form have a budget of their own.
bool usual_token_batch(TrainOptions& options, const Json& asked, const Schema& x);
/// Their steps, by the work of one: those of about a minute on two cores, with a learning rate that
/// falls over them. Returns a line that says so.
std::string usual_token_steps(TrainOptions& options, const Json& asked, const Schema& x,
                              int64_t parameters, int64_t training_rows);

}  // namespace elbo

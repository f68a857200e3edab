#pragma once

#include <memory>
#include <string>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/train/trainer.h"

namespace ELBO_API elbo {

/// What somebody asks to be trained; options that were not named are absent.
struct TrainRequest {
  std::string data;
  Json data_options = Json::object(), train_options = Json::object();
  std::string model = "auto";         // a zoo name, a JSON file, or auto: as the data ask for
  std::string purpose;                // what auto chooses the model for: a name of purposes()
  std::vector<std::string> settings;  // "objective.beta=4"
  std::string from;                   // a run whose prior is to be fitted anew; empty = none
};

/// A training that can begin: everything about it has been checked, nothing has been written.
struct TrainPlan {
  Json facts;  // what a run stores: model, spec, train, data, rows
  Schemas schemas;
  Data data;                     // all rows, opened
  std::shared_ptr<Model> model;  // as it would begin, for reports
  std::shared_ptr<Objective> objective;
  std::vector<std::string> notes;  // what the request has changed of the model's own training
  int64_t training_rows = 0, validation_rows = 0, steps_per_epoch = 0, steps = 0;
};

/// Reads the data, resolves the model for them and tries both on a few rows. Options under "train"
/// of the model's spec stand below those of the request. Raises an Error for anything that
/// training would stumble over.
TrainPlan plan_training(const TrainRequest& request);

/// Every schedule within `j` with its epoch counts turned into steps.
void resolve_epochs(Json& j, double steps_per_epoch);

}  // namespace elbo

#include "elbo/train/usual.h"

#include <algorithm>

#include "elbo/data/row_view.h"
#include "elbo/train/next_batch.h"

namespace elbo {

std::string usual_model(const Schema& x) {
  if (MoleculeView::shows(x)) return "molecule_vae";
  return TextView::shows(x) ? "text_vae" : "vae";
}

std::string usual_budget(TrainOptions& options, int64_t training_rows, bool validates) {
  constexpr int64_t kFewRows = 2000, kSmallBatch = 32, kLeastSteps = 2000;
  constexpr int64_t kPatience = 10, kPatientSteps = 200;
  const auto epochs_for = [&](int64_t steps) {
    const auto each = steps_per_epoch(training_rows, options.batch);
    return (steps + each - 1) / each;
  };
  const auto usual = options;
  if (training_rows < kFewRows) options.batch = kSmallBatch;
  if (epochs_for(kLeastSteps) <= options.epochs) {
    options = usual;
    return "";
  }
  options.epochs = epochs_for(kLeastSteps);
  if (validates && options.keep == "best" && options.patience == 0) {
    options.patience = std::max(kPatience, epochs_for(kPatientSteps));
  }
  return "few rows: at most " + std::to_string(options.epochs) + " epochs" +
         (options.patience > 0
              ? ", ended where validation has not improved for " + std::to_string(options.patience)
              : "") +
         ", in batches of " + std::to_string(options.batch) + " (--epochs and --batch set them)";
}

}  // namespace elbo

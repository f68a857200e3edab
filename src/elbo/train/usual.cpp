#include "elbo/train/usual.h"

#include <algorithm>

#include "elbo/core/words.h"
#include "elbo/data/row_view.h"
#include "elbo/train/next_batch.h"

namespace elbo {

const std::vector<std::string>& purposes() {
  static const std::vector<std::string> names{"anomalies", "outliers"};
  return names;
}

std::string usual_model(const Schema& x, const std::string& purpose) {
  const auto& known = purposes();
  check(purpose.empty() || std::find(known.begin(), known.end(), purpose) != known.end(),
        "[train] for: unknown \"", purpose, "\"", known_words(purpose, known));
  if (MoleculeView::shows(x)) return "molecule_vae";
  if (TextView::shows(x)) return "text_vae";
  if (purpose.empty() || PictureView::shows(x)) return "vae";
  return purpose == "anomalies" ? "anomaly" : "outlier";
}

namespace {

/// Steps that few rows are worth: fewer of large pictures, so that they end within a minute.
int64_t least_steps(const Schema& x) {
  constexpr double kPixels = int64_t{1} << 22;
  constexpr int64_t kFewest = 500, kMost = 2000;
  if (!PictureView::shows(x)) return kMost;
  const double pixels = static_cast<double>(x.shape[1] * x.shape[2]);
  return std::clamp(static_cast<int64_t>(kPixels / pixels), kFewest, kMost);
}

}  // namespace

std::string usual_budget(TrainOptions& options, const Schema& x, int64_t training_rows,
                         bool validates) {
  constexpr int64_t kFewRows = 2000, kSmallBatch = 32;
  constexpr int64_t kPatience = 10, kPatientSteps = 200;
  const auto epochs_for = [&](int64_t steps) {
    const auto each = steps_per_epoch(training_rows, options.batch);
    return (steps + each - 1) / each;
  };
  const auto usual = options;
  if (training_rows < kFewRows) options.batch = kSmallBatch;
  if (epochs_for(least_steps(x)) <= options.epochs) {
    options = usual;
    return "";
  }
  options.epochs = epochs_for(least_steps(x));
  if (validates && options.keep == "best" && options.patience == 0) {
    options.patience = std::max(kPatience, epochs_for(kPatientSteps));
  }
  return "few rows: at most " + std::to_string(options.epochs) + " epochs" +
         (options.patience > 0
              ? ", ended where validation has not improved for " + std::to_string(options.patience)
              : "") +
         ", in batches of " + std::to_string(options.batch) + " (--epochs and --batch set them)";
}

bool labels_are_few(int64_t known, int64_t rows) {
  constexpr int64_t kOthers = 3;  // to each labelled row
  return known > 1 && known <= rows / (kOthers + 1);
}

std::string usual_label_budget(TrainOptions& options, int64_t flops, int64_t training_rows,
                               bool validates) {
  // Floating point operations of half a minute on two cores, of which a step has three times those
  // of the forward pass.
  constexpr double kWork = 5e12, kPasses = 3, kRate = 1e-3, kLowestRate = 1e-4;
  constexpr int64_t kLeast = 300, kPatience = 5;
  const auto each = steps_per_epoch(training_rows, options.batch);
  const auto rows = static_cast<double>(std::min(options.batch, training_rows));
  const auto affordable =
      static_cast<int64_t>(kWork / std::max(1.0, kPasses * rows * static_cast<double>(flops)));
  const auto steps = std::max(kLeast, affordable);
  if (options.steps > 0 || steps >= options.epochs * each) return "";
  options.steps = steps;
  options.lr = Schedule("cosine(" + std::to_string(kRate) + ", " + std::to_string(kLowestRate) +
                        ", " + std::to_string(steps) + ")");
  const bool stops = validates && options.keep == "best" && options.patience == 0;
  if (stops) options.patience = kPatience;
  return "few labels: " + std::to_string(steps) + " steps, about half a minute on two cores" +
         (options.patience > 0 ? ", ended where validation has not improved for " +
                                     std::to_string(options.patience) + " epochs"
                               : "") +
         "; elbo classify carries the labels to other rows (--epochs or --steps train longer)";
}

bool usual_token_batch(TrainOptions& options, const Json& asked, const Schema& x) {
  if (!TextView::shows(x) || asked.contains("epochs") || asked.contains("steps")) return false;
  constexpr int64_t kShortText = 16, kRows = 32, kShortRows = 64;
  if (!asked.contains("batch")) options.batch = x.shape[0] > kShortText ? kRows : kShortRows;
  return true;
}

std::string usual_token_steps(TrainOptions& options, const Json& asked, const Schema& x,
                              int64_t parameters, int64_t training_rows) {
  // Multiplications of weights with tokens, each about 20 picoseconds there and back on one core.
  constexpr double kWork = 2.2e12;
  constexpr int64_t kLeast = 100, kMost = 2000, kLeastPatience = 10, kPatientSteps = 200;
  constexpr double kHighestRate = 0.003, kLowestRate = 0.0001;
  const auto rows = std::min(options.batch, training_rows);
  const double step = static_cast<double>(rows * x.shape[0]) * static_cast<double>(parameters);
  options.steps = std::clamp(static_cast<int64_t>(kWork / std::max(1.0, step)), kLeast, kMost);
  if (!asked.contains("lr")) {
    options.lr = Schedule("cosine(" + std::to_string(kHighestRate) + ", " +
                          std::to_string(kLowestRate) + ", " + std::to_string(options.steps) + ")");
  }
  // An average over few steps would hold the first ones, and a rate that falls does its work.
  if (!asked.contains("average")) options.average = 0;
  const auto each = steps_per_epoch(training_rows, options.batch);
  if (!asked.contains("patience") && options.keep == "best") {
    options.patience = std::max(kLeastPatience, (kPatientSteps + each - 1) / each);
  }
  return std::to_string(options.steps) + " steps of " + std::to_string(rows) +
         " rows, about a minute on two cores (--epochs or --steps go on longer)";
}

}  // namespace elbo

#include <algorithm>
#include <sstream>

#include "elbo/eval/diagnose.h"

namespace elbo {
namespace {

constexpr double kMostRise = 0.1;   // of the validation loss after its best, in shares of its fall
constexpr double kMostFall = 0.05;  // in the last fifth of the epochs, in the same shares

struct Course {
  std::vector<double> loss;  // of validation, per epoch
  size_t best() const {
    return static_cast<size_t>(std::min_element(loss.begin(), loss.end()) - loss.begin());
  }
};

Course course_of(const std::vector<Json>& log) {
  Course course;
  for (const auto& line : log) {
    const auto validation = line.value("validation", Json::object());
    if (!validation.contains("loss") || !validation["loss"].is_number()) continue;
    course.loss.push_back(validation["loss"]);
  }
  return course;
}

}  // namespace

std::vector<Finding> diagnose_training(const Run& run, const std::vector<Json>& log) {
  const auto course = course_of(log);
  const size_t n = course.loss.size();
  if (n < 3) return {};
  const size_t best = course.best();
  const double least = course.loss[best], fall = course.loss[0] - least;
  if (fall <= 0) {
    return {{"no_progress", "The validation loss never fell below that of the first epoch",
             "fall of the validation loss, nats", fall, 0, "a smaller --lr, or --clip 1"}};
  }
  std::ostringstream says;
  says.precision(4);
  // Of the last fifth of the epochs the best: one bad epoch is no trend.
  const size_t four_fifths = std::max<size_t>(1, n * 4 / 5);
  const auto last_fifth = course.loss.begin() + static_cast<std::ptrdiff_t>(four_fifths);
  const double last = *std::min_element(last_fifth, course.loss.end());
  const double rise = (last - least) / fall;
  if (rise > kMostRise) {
    says << "Overfitting: the validation loss rose from " << least << " at epoch " << best + 1
         << " to " << last << " in the last fifth of " << n
         << " epochs (the best weights were kept)";
    return {{"overfitting", says.str(), "rise of the validation loss as a share of its fall", rise,
             kMostRise,
             "--patience 5 stops in time; more data, a smaller network or "
             "--model denoising_vae goes further"}};
  }
  const double before = *std::min_element(course.loss.begin(), last_fifth);
  const double late = (before - least) / fall;
  if (late <= kMostFall) return {};
  says << "Underfitting: the validation loss was still falling (" << before << " to " << least
       << " in the last fifth of " << n << " epochs)";
  return {{"underfitting", says.str(),
           "fall of the validation loss in the last fifth of the "
           "epochs as a share of the whole",
           late, kMostFall,
           "elbo train --resume " + run.path().string() + " --epochs " + std::to_string(2 * n)}};
}

}  // namespace elbo

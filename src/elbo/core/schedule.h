#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "elbo/core/api.h"

namespace ELBO_API elbo {

/// A number that may change with the training step:
///   0.5 · "linear(from, to, steps)" · "cycle(from, to, period, ramp)" · "sigmoid(from, to, middle,
///   width)" · "cosine(from, to, steps)" · "step(from, factor, every)".
/// A count of steps may be written in epochs ("100e") until in_steps() resolves it.
class Schedule {
 public:
  Schedule(double constant = 0) : from_(constant) {}  // a number is a constant schedule
  explicit Schedule(const std::string& text);         // throws Error

  double at(int64_t step) const;
  bool constant() const { return kind_.empty(); }
  /// Epoch counts turned into steps.
  Schedule in_steps(double steps_per_epoch) const;
  std::string text() const;
  double lowest() const;  // over all steps
  double highest() const;

 private:
  std::string kind_;
  double from_ = 0, to_ = 0;
  std::vector<double> times_;  // what follows from and to; negative = in epochs
};

void to_json(nlohmann::json& j, const Schedule& schedule);
void from_json(const nlohmann::json& j, Schedule& schedule);

}  // namespace elbo

#pragma once

#include <string>
#include <vector>

#include "elbo/eval/metric.h"

namespace elbo {

/// Something that is wrong with a trained model, the figure that shows it, and what cures it.
struct Finding {
  std::string name;    // posterior_collapse, unused_dimensions, …
  std::string says;    // a sentence
  std::string figure;  // what `value` is
  double value, threshold;
  std::string cure;  // an option, or a command
};
Json to_json(const Finding& finding);
Finding finding_from_json(const Json& j);

/// Everything that is found; a healthy model yields nothing. `log`: the lines of log.jsonl.
std::vector<Finding> diagnose(Subject& subject, const std::vector<Json>& log);

/// Its parts: what codes, units, pictures, samples and the course of the training show.
std::vector<Finding> diagnose_codes(Subject& subject);
std::vector<Finding> diagnose_units(Subject& subject);
std::vector<Finding> diagnose_pictures(Subject& subject);
std::vector<Finding> diagnose_samples(Subject& subject);
std::vector<Finding> diagnose_training(const Run& run, const std::vector<Json>& log);

/// The objects of a run's log.jsonl; lines that are none are left out.
std::vector<Json> read_log(const Run& run);

}  // namespace elbo

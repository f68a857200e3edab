#pragma once

#include <string>
#include <vector>

#include "elbo/eval/diagnose.h"
#include "elbo/tasks/report.h"

// What a report says about one run. Each part is HTML; empty where the run has nothing to show.

namespace elbo {

/// A run, judged once, for all parts.
struct Reported {
  std::string name;  // of its folder
  std::shared_ptr<const Run> run;
  std::shared_ptr<Subject> subject;
  std::vector<Json> log;
  Json figures;                    // of evaluate_density
  Json measured = Json::object();  // of measure()
  std::vector<Finding> findings;
  std::string rows_name;  // "test"
};

/// One figure, what was trained on, when, how long and on what.
std::string summary_part(const Reported& r);
std::string model_part(const Reported& r);
/// Nested options as dotted names with their values.
std::vector<std::pair<std::string, std::string>> dotted_options(const Json& options);
std::string figures_part(const Reported& r);
std::string diagnosis_part(const Reported& r);
/// The charts of all metrics that have any.
std::string charts_part(const Reported& r);
std::string curves_part(const Reported& r);
std::string dimensions_part(const Reported& r);
std::string scores_part(Reported& r);
std::string map_part(Reported& r);
/// A table of two columns.
std::string pair_table(const std::vector<std::pair<std::string, std::string>>& rows);

}  // namespace elbo

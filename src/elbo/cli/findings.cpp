#include "elbo/cli/findings.h"

#include <sstream>

namespace elbo {

std::string finding_text(const Json& finding) {
  std::ostringstream out;
  out.precision(3);
  out << "finding: " << finding["says"].get<std::string>() << " ["
      << finding["figure"].get<std::string>() << ": " << finding["value"].get<double>()
      << ", threshold " << finding["threshold"].get<double>() << "]\n         try "
      << finding["cure"].get<std::string>();
  return out.str();
}

Json look_at(const Run& run) {
  constexpr int64_t kRows = 500;
  Json findings = Json::array();
  try {
    JudgeOptions options;
    options.judged = kRows;
    Subject subject(run.load(), std::make_shared<Run>(run), run.held_out(nullptr), options);
    for (const auto& f : diagnose(subject, read_log(run))) findings.push_back(to_json(f));
  } catch (const Error&) {
    // A model that cannot encode or draw has nothing to look at; `evaluate` says why.
  }
  return findings;
}

}  // namespace elbo

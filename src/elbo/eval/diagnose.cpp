#include "elbo/eval/diagnose.h"

#include <sstream>

#include "elbo/io/file.h"
#include "elbo/io/json_text.h"

namespace elbo {

Json to_json(const Finding& f) {
  return {{"name", f.name},   {"says", f.says},           {"figure", f.figure},
          {"value", f.value}, {"threshold", f.threshold}, {"cure", f.cure}};
}

Finding finding_from_json(const Json& j) {
  const auto text = [&](const char* key) { return j.value(key, std::string()); };
  return {
      text("name"), text("says"), text("figure"), j.value("value", 0.0), j.value("threshold", 0.0),
      text("cure")};
}

std::vector<Finding> diagnose(Subject& subject, const std::vector<Json>& log) {
  torch::NoGradGuard no_gradient;
  RandomScope scope(static_cast<uint64_t>(subject.options().seed));
  auto findings = diagnose_codes(subject);
  // Units die where the code says nothing: then they are no cause of their own.
  const bool collapsed = std::any_of(findings.begin(), findings.end(), [](const Finding& f) {
    return f.name == "posterior_collapse";
  });
  if (!collapsed) {
    for (auto& f : diagnose_units(subject)) findings.push_back(std::move(f));
  }
  for (auto& f : diagnose_pictures(subject)) findings.push_back(std::move(f));
  try {
    if (!collapsed) {
      for (auto& f : diagnose_samples(subject)) findings.push_back(std::move(f));
    }
  } catch (const Error&) {
    // A model from which nothing can be drawn is not judged by its draws.
  }
  for (auto& f : diagnose_training(subject.run(), log)) findings.push_back(std::move(f));
  return findings;
}

std::vector<Json> read_log(const Run& run) {
  const auto path = run.path() / "log.jsonl";
  std::vector<Json> lines;
  if (!std::filesystem::exists(path)) return lines;
  std::istringstream in(read_plain_file(path.string()));
  for (std::string line; std::getline(in, line);) {
    auto entry = try_parse_json(line);
    if (entry.is_object()) lines.push_back(std::move(entry));
  }
  return lines;
}

}  // namespace elbo

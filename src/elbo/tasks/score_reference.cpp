#include "elbo/tasks/score_reference.h"

#include "elbo/data/content_hash.h"

namespace elbo {

std::shared_ptr<const Kept> kept_scores(const Run& run, const RowScoreOptions& options) {
  const auto kept = run.kept();
  if (!kept || !kept->scores.defined() || !kept->usual.defined()) return nullptr;
  const Json how = kept->about.value("score", Json::object());
  const bool same = how.value("draws", Json()) == options.draws &&
                    how.value("seed", Json()) == options.seed && options.refine == 0;
  if (same) return kept;
  check(run.data_here(), "[score] the run keeps reference scores of ", how["draws"].dump(),
        " draws with seed ", how["seed"].dump(), ", found ", options.draws, " draws with seed ",
        options.seed, options.refine == 0 ? "" : " and --refine",
        ", and its data are not on this machine: ask for the draws and the seed that are kept, or "
        "name normal rows with --normal");
  return nullptr;
}

bool are_training_rows(const Dataset& data, const Run& run, const Model& model) {
  if (model.densities.empty()) return false;
  return content_hash(data) == run.facts()["data"].value("hash", std::string());
}

NormalRows normal_rows(const TaskInput& input, const std::string& given) {
  const auto& run = *input.run;
  const auto counted = [](Data rows, std::string name) {
    const auto count = rows->size();
    return NormalRows{std::move(rows), std::move(name), count};
  };
  if (!given.empty()) return counted(run.open_other(given, "all"), given);
  auto [training, validation] = run.training_parts();
  if (validation) return counted(validation, "validation rows");
  return counted(training, "training rows (no validation rows were held out)");
}

}  // namespace elbo

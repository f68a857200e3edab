#include "elbo/capi/given_data.h"
#include "elbo/capi/guard.h"
#include "elbo/eval/density.h"
#include "elbo/eval/diagnose.h"
#include "elbo/eval/prediction.h"
#include "elbo/export/parts.h"
#include "elbo/tasks/rows.h"
#include "elbo/train/kept.h"

namespace elbo::capi {
namespace {

struct JudgeWish {
  EvaluateOptions density;
  JudgeOptions judge;
  std::string metrics = "none", split = "auto";
  template <class F>
  void fields(F&& f) {
    density.fields(f);
    f("metrics", metrics, "further metrics: all, or names separated by commas");
    f("split", split, "part of the data", one_of({"auto", "train", "test", "all"}));
    f("judged", judge.judged, "most rows that the metrics read", between(2, 1e6));
    f("features", judge.features, "space in which distances of samples are measured",
      one_of({"pixels", "encoder", "classifier"}));
    f("temperature", judge.temperature, "sampling temperature of molecules", between(0, 10));
    f("target", judge.target, "column that table_mle predicts (empty = as elbo evaluate chooses)");
  }
};

/// Figures of the end of the training, where neither the caller nor the run has rows.
Json kept_figures(const Run& run, bool asked) {
  const auto kept = run.kept();
  if (!kept || !kept->about.contains("figures") || asked) run.lack_data();
  Json result = kept->about["figures"];
  result["diagnosis"] = kept->about.value("findings", Json::array());
  return result;
}

/// What elbo evaluate --json prints.
Json judged(elbo_run& run, const elbo_data* data, JudgeWish wish, Calls& calls) {
  TaskInput input;
  model_of(run);
  input.run = run.run;
  input.model = run.model;
  if (data) input.data = data->source;
  const auto rows = open_task_rows(input, {wish.split, 0, ""});
  const auto progress = calls.progress();
  const WithoutDenormals fast;
  const auto counted =
      counted_rows(rows.data, Draw{static_cast<uint64_t>(wish.density.seed), 0}.key("weights"));
  Json result = evaluate_density(*input.model, *rows.data, wish.density, progress);
  const auto predictions = judge_predictions(*input.model, *counted, wish.density.rows);
  if (!predictions.is_null()) result["predictions"] = predictions;
  wish.judge.seed = wish.density.seed;
  if (wish.density.rows > 0) wish.judge.judged = std::min(wish.judge.judged, wish.density.rows);
  Subject subject(input.model, input.run, counted, wish.judge);
  if (wish.metrics != "none") {
    result.update(measure(subject, wish.metrics, progress));
    result["protocol"]["judged"] = subject.size();
  }
  result["diagnosis"] = Json::array();
  for (const auto& finding : diagnose(subject, read_log(*input.run))) {
    result["diagnosis"].push_back(to_json(finding));
  }
  result["protocol"]["data"] = data ? data->source : input.run->data_name();
  result["protocol"]["split"] = data ? wish.split : rows.name;
  return result;
}

}  // namespace
}  // namespace elbo::capi

using namespace elbo::capi;

elbo_status elbo_evaluate(elbo_run* run, const elbo_data* data, const char* options,
                          const elbo_callbacks* callbacks, char** json) {
  return computing([&] {
    check_given(run, "elbo_evaluate", "run");
    check_given(json, "elbo_evaluate", "json");
    auto given = options_from(options, "elbo_evaluate");
    if (data) use_rows_of(*data, elbo::describe<JudgeWish>(), given);
    const auto wish = elbo::read_options<JudgeWish>(given, "evaluate");
    Calls calls(callbacks);
    const bool no_rows = !data && !run->run->has_rows();
    const auto result =
        no_rows ? kept_figures(*run->run, !given.empty()) : judged(*run, data, wish, calls);
    *json = copied(result.dump());
  });
}

elbo_status elbo_export_onnx(elbo_run* run, const char* folder, char** json) {
  return computing([&] {
    check_given(run, "elbo_export_onnx", "run");
    check_given(folder, "elbo_export_onnx", "folder");
    model_of(*run);
    const auto& own = *run->run;
    const elbo::Json facts{{"model", own.facts().value("model", std::string())},
                           {"data", own.data_name()},
                           {"x", elbo::to_json(own.schemas().x)}};
    const auto result = elbo::export_onnx(run->model, own.schemas(), folder, facts);
    if (json) *json = copied(result.dump());
  });
}

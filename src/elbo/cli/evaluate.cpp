#include <iostream>

#include "elbo/cli/findings.h"
#include "elbo/cli/flags.h"
#include "elbo/cli/progress.h"
#include "elbo/cli/result.h"
#include "elbo/cli/run_arguments.h"
#include "elbo/data/table.h"
#include "elbo/eval/density.h"
#include "elbo/eval/diagnose.h"
#include "elbo/eval/prediction.h"
#include "elbo/tasks/rows.h"
#include "elbo/train/kept.h"

namespace elbo {
namespace {

struct EvaluateArguments : RunArguments {
  std::shared_ptr<Flags> flags, rows, metrics, cells;
};

struct CellChoice {
  bool strict = false;
  template <class F>
  void fields(F&& f) {
    f("strict", strict,
      "tables: refuse cells that training has not seen instead of taking them as missing");
  }
};

struct MetricChoice {
  std::string metrics = "none";
  JudgeOptions judge;
  template <class F>
  void fields(F&& f) {
    f("metrics", metrics,
      "further metrics: all, or names from elbo list metrics, separated by commas");
    judge.fields(f);
  }
};

/// Figures of metrics as rows; what has many values is left to --json.
Json metric_rows(const Json& metrics) {
  Json rows = Json::array();
  for (const auto& [name, figures] : metrics.items()) {
    for (const auto& [figure, value] : figures.items()) {
      if (figure == "protocol" || value.is_array()) continue;
      rows.push_back({{"name", name}, {"figure", figure}, {"value", value}});
    }
  }
  return rows;
}

void print_evaluation(Json result, bool json, ProgressTalk& talk) {
  if (json) return print_result(result, true);
  const Json findings = result["diagnosis"], left_out = result.value("left_out", Json::object());
  result.erase("diagnosis");
  result.erase("left_out");
  // A code that is read off the data has no posterior to tell of.
  if (result.contains("sites") && result["sites"].empty()) result.erase("sites");
  if (result.contains("metrics")) {
    for (const auto& [name, figures] : result["metrics"].items()) {
      const auto& how = figures.value("protocol", Json::object());
      if (how.contains("features")) result["protocol"]["features"] = how["features"];
      if (how.contains("clamp")) result["protocol_of_" + name] = how;
    }
    result["metrics"] = metric_rows(result["metrics"]);
  }
  print_result(result, false);
  for (const auto& [name, reason] : left_out.items()) {
    talk.say("left out: " + name + " (" + reason.get<std::string>() + ")");
  }
  for (const auto& finding : findings) std::cout << finding_text(finding) << "\n";
}

/// Figures of the end of the training, where neither DATA nor rows of the run are here.
int print_kept(const EvaluateArguments& a, ProgressTalk& talk) {
  const auto kept = a.input.run->kept();
  const bool asked = !a.flags->given().empty() || !a.metrics->given().empty();
  if (!kept || !kept->about.contains("figures") || asked) a.input.run->lack_data();
  Json result = kept->about["figures"];
  result["diagnosis"] = kept->about.value("findings", Json::array());
  talk.say("note: figures of the end of the training; the data are not on this machine");
  print_evaluation(result, a.json, talk);
  return 0;
}

int evaluate(EvaluateArguments& a) {
  const auto options = read_options<EvaluateOptions>(a.flags->given(), "evaluate");
  const auto choice = read_options<RowChoice>(a.rows->given(), "evaluate");
  auto metrics = read_options<MetricChoice>(a.metrics->given(), "evaluate");
  const auto cells = read_options<CellChoice>(a.cells->given(), "evaluate");
  check_metrics(metrics.metrics);
  open_run(a);
  ProgressTalk talk(talk_for(a.quiet || a.json));
  if (a.input.data.empty() && !a.input.run->has_rows()) return print_kept(a, talk);
  const auto rows =
      open_task_rows(a.input, choice, cells.strict ? OddCells::kRefused : OddCells::kMissing);
  const auto counted =
      counted_rows(rows.data, Draw{static_cast<uint64_t>(options.seed), 0}.key("weights"));
  Json result =
      evaluate_density(*a.input.model, *rows.data, options, [&](double done) { talk.share(done); });
  const auto predictions = judge_predictions(*a.input.model, *counted, options.rows);
  if (!predictions.is_null()) result["predictions"] = predictions;
  metrics.judge.seed = options.seed;
  if (options.rows > 0) metrics.judge.judged = std::min(metrics.judge.judged, options.rows);
  Subject subject(a.input.model, a.input.run, counted, metrics.judge);
  if (metrics.metrics != "none") {
    result.update(measure(subject, metrics.metrics, [&](double done) { talk.share(done); }));
    result["protocol"]["judged"] = subject.size();
  }
  result["diagnosis"] = Json::array();
  for (const auto& finding : diagnose(subject, read_log(*a.input.run))) {
    result["diagnosis"].push_back(to_json(finding));
  }
  result["protocol"]["data"] = a.input.data.empty() ? a.input.run->data_name() : a.input.data;
  result["protocol"]["split"] = a.input.data.empty() ? rows.name : choice.split;
  if (const auto weight = weight_column(a.input.run->schemas().x); !weight.empty()) {
    const bool there = rows.data->weights().defined();
    result["protocol"]["weights"] =
        there ? "column " + weight : "none, the data have no column " + weight;
  }
  if (const auto unseen = unseen_cells(*rows.data); !unseen.is_null()) result["unseen"] = unseen;
  talk.clear();
  print_evaluation(result, a.json, talk);
  return 0;
}

Command::Body declare_evaluate(CLI::App& app) {
  auto a = std::make_shared<EvaluateArguments>();
  add_run_arguments(app, *a, "may");
  a->flags = Flags::add(app, describe<EvaluateOptions>(), "Options");
  // The rows of a choice and those of the evaluation are the same number, and figures of parts are
  // none of the whole.
  auto choice = describe<RowChoice>();
  std::erase_if(choice, [](const OptionHelp& option) {
    return option.name == "rows" || option.name == "shard";
  });
  a->rows = Flags::add(app, choice, "Options");
  a->cells = Flags::add(app, describe<CellChoice>(), "Options");
  a->metrics = Flags::add(app, describe<MetricChoice>(), "Metrics");
  return [a] { return evaluate(*a); };
}

const bool evaluate_added =
    add_command({"evaluate",
                 "ELBO, log-likelihood, metrics, and a diagnosis",
                 {"elbo evaluate runs/digits", "elbo evaluate runs/digits --metrics all",
                  "elbo evaluate runs/sprites --metrics mig,dci,frechet --features encoder",
                  "elbo evaluate runs/digits builtin:digits --draws 1000 --json"},
                 declare_evaluate});

}  // namespace
}  // namespace elbo

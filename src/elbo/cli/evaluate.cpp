#include "elbo/cli/flags.h"
#include "elbo/cli/progress.h"
#include "elbo/cli/result.h"
#include "elbo/cli/run_arguments.h"
#include "elbo/eval/density.h"
#include "elbo/tasks/rows.h"

namespace elbo {
namespace {

struct EvaluateArguments : RunArguments {
  std::shared_ptr<Flags> flags, rows;
};

/// Dimensions that the data hardly move are named, and what helps against it.
std::string collapse_note(const Json& result) {
  int64_t dimensions = 0, active = 0;
  for (const auto& site : result.value("sites", Json::array())) {
    dimensions += site.value("dimensions", int64_t{0});
    active += site.value("active_units", int64_t{0});
  }
  if (dimensions == 0 || active * 2 >= dimensions) return "";
  std::ostringstream out;
  out << "note: " << active << " of " << dimensions << " latent dimensions are in use";
  out << (active == 0 ? ": the posterior has collapsed; try --set objective.free_bits=0.25 or "
                        "--set 'objective.beta=linear(0, 1, 10e)'"
                      : "; a smaller latent would do, or try --set objective.free_bits=0.1 "
                        "--set objective.free_bits_per=dimension");
  return out.str();
}

int evaluate(EvaluateArguments& a) {
  const auto options = read_options<EvaluateOptions>(a.flags->given(), "evaluate");
  const auto choice = read_options<RowChoice>(a.rows->given(), "evaluate");
  open_run(a);
  const auto rows = open_task_rows(a.input, choice);
  ProgressTalk talk(talk_for(a.quiet || a.json));
  Json result =
      evaluate_density(*a.input.model, *rows.data, options, [&](double done) { talk.share(done); });
  result["protocol"]["data"] = a.input.data.empty() ? a.input.run->data_name() : a.input.data;
  result["protocol"]["split"] = a.input.data.empty() ? rows.name : choice.split;
  talk.clear();
  print_result(result, a.json);
  if (const auto note = collapse_note(result); !note.empty() && !a.json) talk.say(note);
  return 0;
}

Command::Body declare(CLI::App& app) {
  auto a = std::make_shared<EvaluateArguments>();
  add_run_arguments(app, *a, "may");
  a->flags = Flags::add(app, describe<EvaluateOptions>(), "Options");
  // The rows of a choice and those of the evaluation are the same number.
  auto choice = describe<RowChoice>();
  std::erase_if(choice, [](const OptionHelp& option) { return option.name == "rows"; });
  a->rows = Flags::add(app, choice, "Options");
  return [a] { return evaluate(*a); };
}

const bool added = add_command(
    {"evaluate",
     "ELBO, log-likelihood and use of the latent dimensions",
     {"elbo evaluate runs/digits", "elbo evaluate runs/digits builtin:digits --draws 1000 --json"},
     declare});

}  // namespace
}  // namespace elbo

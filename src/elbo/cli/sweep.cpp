#include <algorithm>
#include <iostream>

#include "elbo/cli/children.h"
#include "elbo/cli/progress.h"
#include "elbo/cli/run_arguments.h"
#include "elbo/cli/signals.h"
#include "elbo/cli/sweep_points.h"
#include "elbo/cli/table.h"
#include "elbo/core/text.h"
#include "elbo/host/start.h"
#include "elbo/io/file.h"
#include "elbo/train/kept.h"

namespace elbo {
namespace {

namespace fs = std::filesystem;

struct SweepArguments {
  std::string data, out;
  std::vector<std::string> over;
  int64_t random = 0, seed = 0, jobs = 0;
  bool quiet = false, json = false;
  const CLI::App* app = nullptr;
};

/// A trained point: what `kept` says of it; null figures where it has failed.
struct Outcome {
  SweepPoint point;
  fs::path run;
  Json figures;
  size_t findings = 0;
};

std::shared_ptr<const Kept> finished(const fs::path& run) {
  std::error_code ignored;
  if (!fs::exists(run / "spec.json", ignored)) return nullptr;
  const auto opened = Run::open(run);
  return opened.has_weights() ? opened.kept() : nullptr;
}

/// A run that has begun goes on from its last saved state.
Job job_of(const SweepArguments& a, const SweepPoint& point, const fs::path& run) {
  std::error_code ignored;
  Job job{{"train"}, run.string() + ".log"};
  if (fs::exists(run / "state.safetensors", ignored)) {
    job.arguments.insert(job.arguments.end(), {"--resume", run.string()});
    return job;
  }
  job.arguments.insert(job.arguments.end(), {a.data, "--out", run.string(), "--force"});
  for (const auto& word : train_words(point)) job.arguments.push_back(word);
  for (const auto& word : a.app->remaining()) job.arguments.push_back(word);
  return job;
}

/// The last line of a log: what a run failed with.
std::string last_line(const std::string& path) {
  std::istringstream in(read_file(path));
  std::string last;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) last = line;
  }
  return last;
}

Outcome outcome_of(const SweepPoint& point, const fs::path& run) {
  Outcome outcome{point, run, nullptr, 0};
  const auto kept = finished(run);
  if (!kept) return outcome;
  outcome.figures = kept->about.value("figures", Json());
  outcome.findings = kept->about.value("findings", Json::array()).size();
  return outcome;
}

/// The figure that all finished runs have: -log p(x), else -ELBO; both comparable across
/// objectives.
std::string common_figure(const std::vector<Outcome>& outcomes) {
  for (const char* figure : {"negative_log_likelihood", "negative_elbo"}) {
    bool all = true;
    for (const auto& o : outcomes)
      all = all && (!o.figures.is_object() || o.figures.contains(figure));
    if (all) return figure;
  }
  return "negative_elbo";
}

std::string with_error(const Json& figures, const std::string& name) {
  if (!figures.is_object() || !figures.contains(name)) return "–";
  const auto error = figures.value(name + "_standard_error", Json());
  return number_text(figures[name].get<double>()) +
         (error.is_number() ? " ± " + number_text(error.get<double>()) : "");
}

Json summary_of(const std::vector<Outcome>& outcomes, const std::string& figure) {
  Json rows = Json::array();
  for (const auto& o : outcomes) {
    Json row{{"run", o.run.string()}, {"findings", o.findings}, {"figures", o.figures}};
    for (const auto& [name, value] : o.point) row["options"][name] = value;
    rows.push_back(row);
  }
  return {{"figure", figure}, {"runs", rows}};
}

void print_table(const std::vector<Outcome>& outcomes, const std::string& figure, size_t best) {
  std::vector<std::string> header;
  for (const auto& [name, value] : outcomes.front().point) header.push_back(name);
  header.insert(header.end(), {spoken(figure), "kl", "findings", ""});
  TextTable table(header);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const auto& o = outcomes[i];
    std::vector<std::string> row;
    for (const auto& [name, value] : o.point) row.push_back(value);
    row.push_back(with_error(o.figures, figure));
    row.push_back(with_error(o.figures, "kl"));
    row.push_back(o.figures.is_object() ? std::to_string(o.findings) : "failed");
    row.push_back(i == best ? "best" : "");
    table.add(row);
  }
  std::cout << table.text(output_columns()) << "\nNats per held-out row; lower is better. ± is the "
            << "standard error over rows.\n";
}

size_t best_of(const std::vector<Outcome>& outcomes, const std::string& figure) {
  size_t best = outcomes.size();
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const auto& f = outcomes[i].figures;
    if (!f.is_object() || !f.contains(figure)) continue;
    if (best == outcomes.size() || f[figure] < outcomes[best].figures[figure]) best = i;
  }
  return best;
}

int sweep(const SweepArguments& a) {
  std::vector<Axis> axes;
  for (const auto& text : a.over) axes.push_back(parse_axis(text));
  const auto points = a.random > 0 ? random_points(axes, a.random, a.seed) : grid_points(axes);
  const fs::path folder = a.out;
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  check(fs::is_directory(folder, ignored), "[sweep] ", a.out, ": cannot make the folder");
  ProgressTalk talk(talk_for(a.quiet));
  std::vector<Job> jobs;
  std::vector<fs::path> runs, started;
  for (const auto& point : points) {
    runs.push_back(folder / folder_name(point));
    if (finished(runs.back())) continue;
    started.push_back(runs.back());
    jobs.push_back(job_of(a, point, runs.back()));
  }
  const int64_t cores = usable_cores();
  const auto wanted = static_cast<int64_t>(std::max<size_t>(1, jobs.size()));
  const int64_t at_once = std::min(a.jobs > 0 ? a.jobs : cores, wanted);
  const int64_t threads = std::max<int64_t>(1, cores / at_once);
  talk.say("sweep  " + std::to_string(points.size()) + " runs, " +
           std::to_string(points.size() - jobs.size()) + " of them finished before; " +
           std::to_string(at_once) + " at once with " + std::to_string(threads) +
           (threads == 1 ? " thread" : " threads") + " each");
  size_t ended = 0, failed = 0;
  const bool whole = run_jobs(jobs, at_once, threads, [&](size_t job, int status) {
    failed += status != 0;
    talk.say(std::to_string(++ended) + "/" + std::to_string(jobs.size()) + "  " +
             started[job].filename().string() +
             (status == 0 ? "" : ": " + last_line(jobs[job].log)));
  });
  if (!whole) {
    std::cerr << "elbo: stopped and saved; the same command goes on" << std::endl;
    return 128 + caught_signal;
  }
  std::vector<Outcome> outcomes;
  for (size_t i = 0; i < points.size(); ++i) outcomes.push_back(outcome_of(points[i], runs[i]));
  const auto figure = common_figure(outcomes);
  const auto best = best_of(outcomes, figure);
  auto summary = summary_of(outcomes, figure);
  if (best < outcomes.size()) summary["best"] = outcomes[best].run.string();
  write_file_atomic((folder / "sweep.json").string(), summary.dump(2) + "\n");
  if (a.json) {
    std::cout << summary.dump() << "\n";
  } else {
    print_table(outcomes, figure, best);
    if (best < outcomes.size()) {
      std::cout << "\nbest        " << outcomes[best].run.string() << "\n"
                << "try next    elbo report " << outcomes[best].run.string() << "\n"
                << "            elbo report " << folder.string() << " -o compare.html\n";
    }
  }
  check(failed < jobs.size() || jobs.empty(), "[sweep] no run has been trained; see ",
        (folder / "*.log").string());
  return 0;
}

Command::Body declare_sweep(CLI::App& app) {
  auto a = std::make_shared<SweepArguments>();
  a->app = &app;
  app.allow_extras();
  app.add_option("DATA", a->data, "data, as for elbo train")->required();
  app.add_option("-o,--out", a->out, "folder for the runs; what is finished there is kept")
      ->required()
      ->type_name("FOLDER");
  app.add_option("--over", a->over,
                 "option to vary and its values; may be repeated. Options of the model by dotted "
                 "name, of training by the name of their flag; a range FROM..TO with --random")
      ->required()
      ->type_name("NAME=VALUE,…")
      ->allow_extra_args(false);
  app.add_option("--random", a->random,
                 "number of combinations to draw at random (0 = all combinations)")
      ->type_name("NUMBER")
      ->default_str("0")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--sweep-seed", a->seed, "seed of --random")
      ->type_name("NUMBER")
      ->default_str("0");
  app.add_option("--jobs", a->jobs, "number of runs to train at once (0 = one for each core)")
      ->type_name("NUMBER")
      ->default_str("0")
      ->check(CLI::NonNegativeNumber);
  add_quiet_flag(app, a->quiet);
  app.add_flag("--json", a->json, "print the result as one JSON object");
  return [a] { return sweep(*a); };
}

const bool sweep_added = add_command(
    {"sweep",
     "Train a model for each combination of options, and compare",
     {"elbo sweep builtin:digits --out sweeps/size --over latent.size=8,16,32 --epochs 5",
      "elbo sweep x.csv --out sweeps/x --over latent.size=4,8 --over objective.beta=1,4",
      "elbo sweep x.csv --out sweeps/lr --over lr=1e-4..1e-2 --random 10 --model beta_vae"},
     declare_sweep});

}  // namespace
}  // namespace elbo

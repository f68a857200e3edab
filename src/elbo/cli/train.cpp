#include <ATen/Parallel.h>

#include <chrono>
#include <cmath>
#include <ctime>
#include <iostream>
#include <optional>

#include "elbo/cli/findings.h"
#include "elbo/cli/flags.h"
#include "elbo/cli/processes.h"
#include "elbo/cli/progress.h"
#include "elbo/cli/run_arguments.h"
#include "elbo/cli/shapes.h"
#include "elbo/cli/signals.h"
#include "elbo/cli/sum_trace.h"
#include "elbo/cli/table.h"
#include "elbo/cli/training_pace.h"
#include "elbo/cli/training_profile.h"
#include "elbo/cli/training_talk.h"
#include "elbo/core/device.h"
#include "elbo/core/text.h"
#include "elbo/data/content_hash.h"
#include "elbo/data/open.h"
#include "elbo/eval/keep.h"
#include "elbo/host/cpu.h"
#include "elbo/host/threads.h"
#include "elbo/io/file.h"
#include "elbo/io/json_text.h"
#include "elbo/nn/bf16.h"
#include "elbo/train/fingerprint.h"
#include "elbo/train/run.h"
#include "elbo/train/usual.h"

namespace elbo {
namespace {

struct TrainArguments {
  TrainRequest request;
  std::string out, resume, data_folder, trace, device = "auto";
  bool profile = false, force = false, changed_data = false, dry_run = false, quiet = false,
       json = false;
  int64_t processes = 1, keep_rows = 0;
  std::shared_ptr<Flags> train_flags, data_flags, reader_flags;
  const CLI::App* app = nullptr;
};

/// One process of a group writes and talks.
bool speaks_for_group() { return !group() || group()->rank() == 0; }

/// The logged epoch whose weights were kept; null before the first.
Json best_epoch(const Run& run) {
  std::istringstream log(read_plain_file((run.path() / "log.jsonl").string()));
  Json best;
  for (std::string line; std::getline(log, line);) {
    const auto entry = try_parse_json(line);
    if (entry.is_object() && entry.value("best", false)) best = entry;
  }
  return best;
}

void print_end(const Run& run, const Json& summary) {
  const auto path = run.path().string();
  const auto options = run.train_options();
  if (summary["end"] == "early") {
    std::cout << "stopped early: validation has not improved for " << options.patience
              << " epochs\n";
  }
  if (const auto& best = summary["best"]; !best.is_null()) {
    const char* judged = best.contains("validation") ? "validation" : "train";
    std::cout << "best        epoch " << best["epoch"] << ", " << judged << " "
              << terms_text(terms_of(best[judged])) << "\n";
  }
  for (const auto& finding : summary["diagnosis"]) std::cout << finding_text(finding) << "\n";
  std::cout << "weights     " << path << "/weights.safetensors\n"
            << "try next    elbo evaluate " << path << "\n"
            << "            elbo sample " << path << " -n 64\n";
  if (summary["end"] == "early") return;  // more of the same would not help
  std::cout << "            elbo train --resume " << path;
  if (options.steps > 0) {
    // Where the rate has fallen to its end more steps alone would hardly move.
    std::cout << " --steps " << 2 * options.steps << (options.lr.constant() ? "" : " --lr 0.001");
  } else {
    std::cout << " --epochs " << 2 * std::max<int64_t>(1, options.epochs);
  }
  std::cout << "\n";
}

std::string note_text(const std::string& note) {
  constexpr size_t kIndent = 6;
  return wrapped("note: " + note, progress_columns() - 1, kIndent);
}

/// How long the run has been trained, over all resumes.
void add_seconds(Run& run, double seconds) {
  Json facts = run.facts();
  auto& training = facts["training"];
  if (!training.is_object()) training = Json::object();
  const double all = training.value("seconds", 0.0) + seconds;
  training["seconds"] = std::round(10 * all) / 10;
  run.set_facts(facts);
}

/// "2026-01-31 14:05".
std::string clock_now() {
  const auto now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local);
  return text;
}

/// Trains the run from where it stands, telling how it goes; returns the exit status.
int train_run(Run& run, const TrainArguments& a, Data data = nullptr,
              const std::vector<std::string>& start = {}) {
  const bool speaks = speaks_for_group();
  ProgressTalk talk(talk_for(a.quiet || !speaks));
  for (const auto& line : start) talk.say(line);
  const CatchSignals signals;
  if (const auto note = note_on_threads(); !note.empty()) talk.say(note_text(note));
  const auto options = run.train_options();
  FitReport report;
  Rate rate;
  Estimate estimate;
  SumTrace trace;
  std::optional<FollowLoad> load;
  std::optional<TrainingProfile> profile;
  if (a.profile && speaks) profile.emplace();
  if (!run.facts().contains("threads")) load.emplace();
  bool stepped = false;
  report.on_step = [&](const Progress& p) {
    stepped = true;
    if (const auto note = load ? load->look() : ""; !note.empty()) talk.say("note: " + note);
    talk.training(p);
    estimate.at(p, talk);
    rate.at(p.rows);
    if (profile) profile->stepped();
    if (p.sums && speaks) trace.add(*p.sums);
    return caught_signal == 0;
  };
  report.on_log = [&](const Json& line) {
    talk.say(log_text(line, options.steps > 0 ? 0 : options.epochs, progress_columns() - 1));
  };
  report.on_note = [&](const std::string& note) { talk.say(note_text(note)); };
  const auto began = std::chrono::steady_clock::now();
  const auto end = fit(run, report, std::move(data), choose_device(a.device, local_rank()));
  talk.clear();
  if (!speaks) return 0;
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - began;
  add_seconds(run, spent.count());
  if (end == Trainer::End::stopped) {
    std::cerr << "elbo: stopped and saved; continue with: elbo train --resume "
              << run.path().string() << std::endl;
    return 128 + (caught_signal ? caught_signal : SIGTERM);  // another process may have seen it
  }
  if (!stepped) {
    talk.say("note: this training was finished already; --epochs N, more than before, goes on");
  }
  if (!a.trace.empty()) trace.write(a.trace);
  const double rows_per_second = rate.rows_per_second();  // of training alone
  const auto times = profile ? profile->report() : Json();
  profile.reset();
  const auto findings = keep_for_later(
      run, run.facts().value("keep_rows", int64_t{0}), [&](double done) { talk.share(done); },
      [&](const std::string& text) {
        talk.clear();
        talk.say(note_text(text));
      });
  talk.clear();
  Json summary{{"run", run.path().string()},
               {"end", end == Trainer::End::early ? "early" : "finished"},
               {"rows_per_second", std::round(rows_per_second)},
               {"best", best_epoch(run)},
               {"diagnosis", findings}};
  if (group()) summary["group"] = trace.summary();
  if (!times.is_null()) summary["profile"] = times;
  if (a.json) {
    std::cout << summary.dump() << "\n";
  } else if (!a.quiet) {
    if (!times.is_null()) std::cout << profile_text(times) << "\n";
    print_end(run, summary);
  }
  return 0;
}

/// The run's rows, which must be those that it began with. Raises an Error that has both facts.
Data same_data(Run& run, bool changed_is_fine) {
  const auto data = run.training_data();
  Json facts = run.facts();
  const auto was = facts["data"].value("hash", std::string());
  const auto rows = facts.value("rows", data->size());
  const auto now = content_hash(*data);
  if (rows == data->size() && (was.empty() || was == now)) return data;
  check(changed_is_fine, "[train] ", run.data_name(),
        " has changed since this training began: then ", rows, " rows",
        was.empty() ? "" : " with hash " + was, ", now ", data->size(), " rows with hash ", now,
        "; restore it, train anew, or go on with --changed-data (best weights are kept by the old "
        "rows)");
  facts["rows"] = data->size();
  facts["data"]["hash"] = now;
  run.set_facts(facts, speaks_for_group());
  return data;
}

int resume(const TrainArguments& a) {
  check(a.request.data.empty() && a.out.empty(),
        "[train] --resume RUN uses the run's own data and folder: leave out DATA and --out");
  const bool others = !a.data_flags->given().empty() || !a.reader_flags->given().empty() ||
                      !a.request.settings.empty() || !a.request.from.empty() ||
                      a.app->count("--model") > 0 || a.dry_run || a.force;
  check(!others, "[train] --resume: only --epochs, --steps, --patience and --lr may change");
  auto run = Run::open(a.resume);
  auto data = same_data(run, a.changed_data);
  Json facts = run.facts();
  if (facts.contains("threads")) {
    use_threads(facts["threads"]);
    if (threads_are_fixed()) facts["threads"] = at::get_num_threads();
  }
  for (const auto& [name, value] : a.train_flags->given().items()) {
    const bool free = name == "epochs" || name == "steps" || name == "patience" || name == "lr";
    check(free, "[train] --resume: ", name,
          " cannot change; only --epochs, --steps, --patience and --lr may");
    facts["train"][name] = value;
  }
  const auto& given = a.train_flags->given();
  std::vector<std::string> start;
  if (given.contains("epochs") && !given.contains("steps") &&
      facts["train"].value("steps", 0) > 0) {
    start.push_back("note: --epochs goes before the " + facts["train"]["steps"].dump() +
                    " steps of the run");
    facts["train"]["steps"] = 0;
  }
  const auto options = read_options<TrainOptions>(facts["train"], "train");
  const auto rows = facts.value("rows", int64_t{0});
  const auto training_rows =
      run.has_validation_part() ? rows : rows - held_out_rows(rows, options.validation);
  facts["train"]["lr"] =
      options.lr.in_steps(static_cast<double>(steps_per_epoch(training_rows, options.batch)));
  if (facts != run.facts()) run.set_facts(facts, speaks_for_group());
  return train_run(run, a, std::move(data), start);
}

/// The run on the disk, which one process of a group makes.
Run make_run(const TrainPlan& plan, const TrainArguments& a) {
  const auto first = text_of_first(plan.facts.dump());
  check(first == plan.facts.dump(),
        "[train] this process reads other data than the first one: ", plan.facts.dump(),
        " instead of ", first);
  if (!speaks_for_group()) return Run::without_files(plan.facts, plan.schemas);
  auto facts = plan.facts;
  facts["keep_rows"] = a.keep_rows;
  facts["training"] = {{"began", clock_now()}, {"processor", processor_name()}};
  // Where the data lie, and what tells them from others: later commands may run in other folders.
  facts["data"]["folder"] = std::filesystem::current_path().string();
  if (const auto print = fingerprint(data_path(plan.facts["data"]["source"])); !print.empty()) {
    facts["data"]["fingerprint"] = print;
  }
  // Sums round as they are parted: where the number is fixed, a resume has as many.
  if (threads_are_fixed() || group()) facts["threads"] = at::get_num_threads();
  return Run::create(a.out, facts, plan.schemas, a.force);
}

int train(TrainArguments& a) {
  use_data_folder(a.data_folder);
  if (!a.resume.empty()) return resume(a);
  check(!a.request.data.empty() || !a.request.from.empty(),
        "[train] no DATA given (elbo train DATA --out RUN)");
  check(a.dry_run || !a.out.empty(), "[train] no --out RUN given: name a folder for the run");
  a.request.data_options = a.data_flags->given();
  a.request.data_options["reader"] = a.reader_flags->given();
  a.request.train_options = a.train_flags->given();
  if (auto& given = a.request.train_options; given.contains("precision")) {
    given["precision"] = chosen_precision(given["precision"].get<std::string>(), "train",
                                          choose_device(a.device, local_rank()));
  }
  if (!a.dry_run && speaks_for_group()) Run::check_free(a.out, a.force);
  auto plan = plan_training(a.request);
  if (a.dry_run) {
    const auto report = shape_report(plan);
    std::cout << (a.json ? report.dump() + "\n" : printable(shape_text(report)));
    auto notes = plan.schemas.x.notes();
    notes.insert(notes.end(), plan.notes.begin(), plan.notes.end());
    for (const auto& note : notes) std::cerr << printable("note: " + note) << "\n";
    return 0;
  }
  plan.facts["elbo"] = ELBO_VERSION;
  auto run = make_run(plan, a);
  const auto device = choose_device(a.device, local_rank()).str();
  auto start = start_lines(plan, device, progress_columns() - 1);
  for (const auto& note : plan.notes) start.push_back(note_text(note));
  plan.model.reset();
  return train_run(run, a, std::move(plan.data), start);
}

/// The whole command in a group, in as many processes as were asked for, or in this one.
int train_in_group(TrainArguments& a) {
  choose_device(a.device, local_rank());  // what is not there is told before data are read
  check(a.processes >= 1, "[train] nproc: found ", a.processes, ", allowed at least 1");
  if (a.dry_run) return train(a);
  if (!is_launched()) return a.processes > 1 ? start_processes(a.processes) : train(a);
  const auto launched = join_launched_group();
  const InGroup scope(launched);
  try {
    return train(a);
  } catch (const std::exception& error) {
    launched->give_up(error.what());
    throw;
  }
}

Command::Body declare_train(CLI::App& app) {
  auto a = std::make_shared<TrainArguments>();
  a->app = &app;
  app.add_option("DATA", a->request.data,
                 "data: a file, folder or archive, READER:PATH, or builtin:NAME");
  app.add_option("-o,--out", a->out, "folder for the new run")->type_name("RUN");
  app.add_option("-m,--model", a->request.model,
                 "model: a name from elbo list models, or a JSON file (auto = text_vae for texts, "
                 "molecule_vae for molecules, else vae)")
      ->type_name("NAME|FILE.json")
      ->default_str("auto");
  app.add_option(
         "--for", a->request.purpose,
         "purpose that the model is chosen for, in place of --model: anomalies (training rows "
         "are normal; elbo score judges others) or outliers (they hold what elbo score is "
         "to find)")
      ->type_name(join(purposes(), "|"));
  app.add_option("-s,--set", a->request.settings,
                 "option of the model by dotted name, e.g. objective.beta=4; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  app.add_option("--from", a->request.from,
                 "run whose model is kept as it is while a new prior is fitted to its codes")
      ->type_name("RUN");
  app.add_option("--resume", a->resume, "run to continue, also for more --epochs")
      ->type_name("RUN");
  add_data_folder(app, a->data_folder);
  app.add_option("--nproc", a->processes,
                 "number of training processes on this machine; torchrun, mpirun and srun start "
                 "them on several")
      ->type_name("NUMBER")
      ->default_str("1");
  app.add_option("--device", a->device, "device to compute on (auto = the best available)")
      ->type_name("auto|cpu|cuda|cuda:N")
      ->default_str("auto");
  app.add_option("--trace", a->trace,
                 "file to write a Chrome trace to: when the gradient sums of the last steps began "
                 "and ended (several processes only)")
      ->type_name("FILE.json");
  app.add_flag("--profile", a->profile,
               "measure where the time of a step goes: a line for each operation of each layer, "
               "with its share of what the processor can do");
  app.add_option(
         "--keep-rows", a->keep_rows,
         "number of held-out rows to keep in the run, so that they are there where the data "
         "are not (0 = codes and scores only)")
      ->type_name("NUMBER")
      ->default_str("0")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--force", a->force, "replace an existing run");
  app.add_flag("--changed-data", a->changed_data,
               "resume although the data have changed since the training began");
  app.add_flag("--dry-run", a->dry_run, "report shapes, parameters and memory without training");
  add_quiet_flag(app, a->quiet);
  app.add_flag("--json", a->json, "print the result as one JSON object");
  a->train_flags = Flags::add(app, describe<TrainOptions>(), "Training");
  auto data_options = describe<DataOptions>();
  // Readers' own options are flags of their own.
  data_options.erase(std::remove_if(data_options.begin(), data_options.end(),
                                    [](const auto& option) { return option.name == "reader"; }),
                     data_options.end());
  a->data_flags = Flags::add(app, data_options, "Data", {{"seed", "data-seed"}});
  a->reader_flags = Flags::add(app, reader_options(), "Reader-specific options");
  return [a] { return train_in_group(*a); };
}

const bool train_added =
    add_command({"train",
                 "Fit a model to data",
                 {"elbo train builtin:digits --out runs/digits",
                  "elbo train photos/ --out runs/photos --resize 64x64 --epochs 50",
                  "elbo train table.npy --out runs/table --model beta_vae --set "
                  "objective.beta=4",
                  "elbo train sensors.csv --for anomalies --out runs/sensors",
                  "elbo train --from runs/digits --out runs/prior --set prior=vae",
                  "elbo train --resume runs/digits --epochs 60"},
                 declare_train});

}  // namespace
}  // namespace elbo

#include <ATen/Parallel.h>

#include <chrono>
#include <fstream>
#include <iomanip>
#include <optional>

#include "elbo/core/allocation_bound.h"
#include "elbo/data/hidden_cells.h"
#include "elbo/group/group.h"
#include "elbo/io/file.h"
#include "elbo/io/tensorboard.h"
#include "elbo/model/sees_training.h"
#include "elbo/nn/bf16.h"
#include "elbo/train/code_spread.h"
#include "elbo/train/stage.h"

namespace elbo {
namespace {

void append_line(const std::string& path, const std::string& line) {
  std::ofstream file(path, std::ios::app | std::ios::binary);
  file << line << '\n' << std::flush;
  check(file.good(), "[log] ", path, ": cannot be written (disk full or no permission)");
}

/// Small models finish an epoch sooner than a disk syncs a file.
constexpr std::chrono::seconds kBetweenCheckpoints{5};

/// log.jsonl and the TensorBoard events of a run, cut back to where a saved state stood: lines
/// of steps that a kill lost would otherwise stand there twice.
class RunLog {
 public:
  RunLog(const std::filesystem::path& folder, int64_t log_size, int64_t events_size)
      : path_((folder / "log.jsonl").string()),
        events_path_((folder / "events.out.tfevents.elbo").string()) {
    for (const auto& file : {path_, events_path_}) must_be_plain(file);
    cut(path_, log_size);
    cut(events_path_, events_size);
    events_ = std::make_unique<EventWriter>(events_path_);
  }

  void add(const Json& line) {
    append_line(path_, line.dump());
    for (const char* part : {"train", "validation"}) {
      if (!line.contains(part)) continue;
      std::vector<std::pair<std::string, double>> scalars;
      for (const auto& [name, value] : line[part].items()) {
        if (value.is_number()) scalars.emplace_back(std::string(part) + "/" + name, value);
      }
      events_->scalars(line["step"], scalars);
    }
  }

  Json sizes() const { return {{"log", size_of(path_)}, {"events", size_of(events_path_)}}; }

 private:
  static int64_t size_of(const std::string& path) {
    std::error_code missing;
    const auto size = std::filesystem::file_size(path, missing);
    return missing ? 0 : static_cast<int64_t>(size);
  }
  /// A run from somebody else may hold links: what they point to is not cut or written to.
  static void must_be_plain(const std::string& path) {
    std::error_code ignored;
    const auto status = std::filesystem::symlink_status(path, ignored);
    check(!std::filesystem::exists(status) || std::filesystem::is_regular_file(status), "[log] ",
          path, ": is not a plain file; links are not followed");
  }
  static void cut(const std::string& path, int64_t size) {
    std::error_code error;
    if (size_of(path) > size) std::filesystem::resize_file(path, size, error);
    check(!error, "[log] ", path, ": cannot be cut back: ", error.message());
  }

  std::string path_, events_path_;
  std::unique_ptr<EventWriter> events_;
};

[[noreturn]] void fail_state(const Run& run, const std::string& what) {
  fail("[resume] ", (run.path() / "state.safetensors").string(), ": ", what);
}

/// What a state holds of the wrong type is the file's fault, not the program's.
void restore(Trainer& trainer, const Trainer::State& state, const Run& run) {
  try {
    trainer.restore(state);
  } catch (const Json::exception& e) {
    fail_state(run, std::string("facts of a wrong type: ") + e.what());
  } catch (const c10::Error& e) {
    const std::string what = e.what_without_backtrace();
    fail_state(run, "tensors that do not fit: " + what.substr(0, what.find('\n')));
  }
  if (trainer.step() < 0) fail_state(run, "step: found a number below 0");
}

/// How long a log was; 0 where an old state does not say.
int64_t size_in(const Trainer::State& state, const char* name, const Run& run) {
  const Json sizes = state.facts.value("sizes", Json::object());
  if (!sizes.is_object()) fail_state(run, "sizes: expected an object");
  const Json size = sizes.value(name, Json(0));
  if (!size.is_number_integer() || size < 0) fail_state(run, "sizes: expected numbers of bytes");
  return size.get<int64_t>();
}

/// What latents of a new image autoencoder are scaled by; published ones keep theirs.
void measure_latents(Run& run, const Dataset& training, const FitReport& report) {
  if (run.facts().contains("published")) return;
  const Json latents = measured_latents(*run.load(), training);
  if (latents.is_null()) return;
  Json facts = run.facts();
  facts["latents"] = latents;
  run.set_facts(facts);
  std::ostringstream text;
  text << "latents of " << latents["measured"]["rows"] << " training rows: scaling_factor "
       << std::setprecision(5) << latents["scale"].get<double>() << ", shift_factor "
       << latents["shift"].get<double>() << ", for encode --latents and export --diffusers";
  if (report.on_note) report.on_note(text.str());
}

}  // namespace

Trainer::End fit(Run& run, const FitReport& report, Data data, torch::Device device) {
  const auto options = run.train_options();
  chosen_precision(options.precision, "train", device);  // another machine may resume it
  const bool writes = !group() || group()->rank() == 0;  // one process of a group keeps the run
  if (writes) {
    run.take();
    remove_leftovers(run.path().string());
  }
  if (data) run.give_training_data(std::move(data));
  auto [train, validation] = run.training_parts();
  const auto whole = train;
  // Runs of earlier versions do not say so, and hide nothing.
  if (options.hide > 0) train = with_hidden_cells(train, options.hide);

  seed_torch(Draw{static_cast<uint64_t>(options.seed), 0}.key("weights"));
  auto bound = run.bound_by("state.safetensors");
  const auto [model, objective] = assemble(run.spec(), run.schemas(), train->size());
  bound.reset();
  if (!run.has_state()) show_training(*model, *whole);
  const Json from = run.facts().value("from", Json());
  if (from.is_string() && !run.has_state()) {
    take_weights(*model, Run::open(from.get<std::string>()));
  }
  show_training(*objective, *train);  // the run does not keep what it saw
  model->to(device);
  objective->to(device);
  Trainer trainer(model, objective, options);
  int64_t log_size = 0, events_size = 0;
  if (run.has_state()) {
    const auto state = run.load_state();
    restore(trainer, state, run);
    log_size = size_in(state, "log", run);
    events_size = size_in(state, "events", run);
  }
  if (!writes) {
    Trainer::Hooks hooks;
    hooks.on_step = report.on_step;
    return trainer.fit(train, validation, hooks);
  }
  RunLog log(run.path(), log_size, events_size);
  // What reading has left out or changed is said once.
  if (report.on_note && !run.has_state()) {
    for (const auto& note : run.schemas().x.notes()) report.on_note(note);
  }

  Trainer::Hooks hooks;
  hooks.on_step = report.on_step;
  hooks.on_note = report.on_note;
  hooks.on_log = [&](Json line) {
    line["threads"] = at::get_num_threads();  // they may change, and sums round as they are parted
    log.add(line);
    if (report.on_log) report.on_log(line);
  };
  // The weights to keep wait in memory for the next checkpoint: a kill in between repeats the
  // epochs since the last one, and they find the same weights again.
  std::optional<Weights> kept;
  Json about;
  hooks.on_keep = [&, model = model] {
    kept = weights_of(*model);
    about = {{"step", trainer.step()}};
  };
  auto saved = std::chrono::steady_clock::now();
  hooks.on_checkpoint = [&](bool must) {
    const auto now = std::chrono::steady_clock::now();
    if (!must && now - saved < kBetweenCheckpoints) return;
    saved = now;
    if (kept) run.save_weights(*kept, about);
    kept.reset();
    auto state = trainer.state();
    state.facts["sizes"] = log.sizes();
    run.save_state(state);
  };
  const auto end = trainer.fit(train, validation, hooks);
  // Stopped before the first epoch was judged: what there is can be looked at.
  if (!run.has_weights()) run.save_weights(weights_of(*model), {{"step", trainer.step()}});
  measure_latents(run, *whole, report);
  return end;
}

}  // namespace elbo

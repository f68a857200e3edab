#include <ATen/Parallel.h>
#include <malloc.h>

#include "elbo/capi/given_data.h"
#include "elbo/capi/guard.h"
#include "elbo/capi/request.h"
#include "elbo/data/open.h"
#include "elbo/eval/keep.h"
#include "elbo/train/plan.h"

namespace elbo::capi {
namespace {

/// Within its scope torch computes on this many threads; 0 = as many as it did.
class Threads {
 public:
  explicit Threads(int64_t count) : before_(at::get_num_threads()) {
    if (count > 0) at::set_num_threads(static_cast<int>(count));
  }
  ~Threads() {
    if (at::get_num_threads() != before_) at::set_num_threads(before_);
  }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

std::string step_json(const Progress& p) {
  return Json{{"epoch", p.epoch},
              {"epochs", p.epochs},
              {"step", p.step},
              {"steps", p.steps},
              {"rows", p.rows}}
      .dump();
}

/// What a training has freed goes back to the system: the caller's process may live for long.
void give_memory_back() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

/// What the run needs where its data are not, as the program keeps it; whether it was let finish.
bool kept_for_later(const Run& run, const RowScoreOptions& reference, Calls& calls) {
  const auto go_on = [&](double) {
    if (!calls.go_on(1)) throw Stopped();
  };
  try {
    keep_for_later(
        run, 0, go_on, [&](const std::string& text) { calls.note(text); }, reference);
  } catch (const Stopped&) {
    return false;
  }
  return true;
}

/// The product's loop with the caller's callbacks; whether it was let finish.
bool fit_with(Run& run, Calls& calls, Data data, const RowScoreOptions& reference) {
  FitReport report;
  report.on_step = [&](const Progress& p) {
    const auto steps = static_cast<double>(std::max<int64_t>(1, p.steps));
    return calls.go_on(static_cast<double>(p.step) / steps, [&] { return step_json(p); });
  };
  report.on_log = [&](const Json& line) { calls.log(line.dump()); };
  report.on_note = [&](const std::string& note) { calls.note(note); };
  const WithoutDenormals fast;
  if (fit(run, report, std::move(data)) == Trainer::End::stopped) return false;
  give_memory_back();
  return kept_for_later(run, reference, calls);
}

/// Those that a run keeps already.
RowScoreOptions reference_of(const Run& run) {
  const auto kept = run.kept();
  Json how = kept ? kept->about.value("score", Json::object()) : Json::object();
  RowScoreOptions options;
  options.draws = how.value("draws", options.draws);
  options.seed = how.value("seed", options.seed);
  return options;
}

/// The run anew from its folder: it no longer holds the caller's rows.
void reopen(elbo_run& run, const std::filesystem::path& folder) {
  run.run = std::make_shared<const Run>(Run::open(folder));
  run.model.reset();
  run.scorer.reset();
}

}  // namespace
}  // namespace elbo::capi

using namespace elbo::capi;

elbo_status elbo_train(const elbo_data* data, const char* request, const char* folder,
                       const elbo_callbacks* callbacks, elbo_run** out) {
  return computing([&] {
    check_given(data, "elbo_train", "data");
    check_given(folder, "elbo_train", "folder");
    check_given(out, "elbo_train", "out");
    const auto wish = read_request(request);
    elbo::Run::check_free(folder, wish.force);
    const Threads threads(wish.threads);
    auto asked = wish.train;
    asked.data = data->source;
    asked.data_options = data->options;
    auto plan = elbo::plan_training(asked);
    plan.facts["elbo"] = elbo_version();
    plan.facts["threads"] = at::get_num_threads();
    auto run = elbo::Run::create(folder, plan.facts, plan.schemas, wish.force);
    plan.model.reset();
    Calls calls(callbacks);
    const bool finished = fit_with(run, calls, std::move(plan.data), wish.reference);
    give_memory_back();
    auto made = std::make_unique<elbo_run>();
    reopen(*made, folder);
    *out = made.release();
    if (!finished) throw Stopped();
  });
}

elbo_status elbo_resume(elbo_run* run, const elbo_data* data, const char* options,
                        const elbo_callbacks* callbacks) {
  return computing([&] {
    check_given(run, "elbo_resume", "run");
    auto again = elbo::Run::open(run->run->path());
    const auto reference = reference_of(again);
    again.set_facts(resumed_facts(again, options_from(options, "elbo_resume")));
    const Threads threads(again.facts().value("threads", int64_t{0}));
    elbo::Data rows;
    if (data) {
      const auto part = again.facts()["data"]["options"].value("split", std::string("train"));
      rows = elbo::open_data(data->source, again.data_options(part));
      elbo::check_fits(rows->schemas().x, again.schemas().x, data->source);
    }
    Calls calls(callbacks);
    const bool finished = fit_with(again, calls, std::move(rows), reference);
    give_memory_back();
    reopen(*run, again.path());
    if (!finished) throw Stopped();
  });
}

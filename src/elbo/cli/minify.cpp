#include "elbo/cli/progress.h"
#include "elbo/cli/result.h"
#include "elbo/cli/run_arguments.h"
#include "elbo/data/source.h"
#include "elbo/eval/keep.h"
#include "elbo/io/file.h"
#include "elbo/model/keeps_rows.h"

namespace elbo {
namespace {

namespace fs = std::filesystem;

/// What a run of this program may hold; the rest of a folder is somebody's own.
constexpr const char* kCarried[] = {"schema.json", "weights.safetensors", "log.jsonl",
                                    "features.safetensors"};

struct MinifyArguments {
  std::string run, out, data_folder;
  int64_t keep_rows = 0;
  bool quiet = false, json = false;
};

int64_t bytes_of(const fs::path& path) {
  std::error_code missing;
  const auto size = fs::file_size(path, missing);
  return missing ? 0 : static_cast<int64_t>(size);
}

/// Where the data lay and rows of them stay behind.
Json handed_over(Json facts) {
  facts["data"].erase("folder");
  facts["data"].erase("fingerprint");
  facts["data"]["handed_over"] = true;
  facts.erase("from");
  facts.erase("training");
  facts["keep_rows"] = 0;
  facts["data"]["source"] = shown_source(facts["data"]["source"].get<std::string>());
  for (const char* file : {"labels", "without"}) {
    auto& options = facts["data"]["options"];
    if (options.contains(file)) {
      options[file] = fs::path(options[file].get<std::string>()).filename().string();
    }
  }
  return facts;
}

/// What the run keeps already; made anew where its data are here and it is not enough.
Kept kept_of(const Run& run, int64_t rows, ProgressTalk& talk) {
  const auto own = run.kept();
  if (run.data_here() && (!own || rows > 0)) {
    auto kept = gather_kept(run, run.load(), rows, [&](double done) { talk.share(done); });
    talk.clear();
    return kept;
  }
  if (!own) run.lack_data();
  check(rows == 0 || own->x.defined(),
        "[minify] --keep-rows: the data are not on this machine and "
        "the run keeps no rows");
  auto kept = *own;
  if (rows == 0) {
    kept.x = kept.mask = Tensor();
    kept.names.clear();
    kept.about.erase("names");
  }
  return kept;
}

int minify(const MinifyArguments& a) {
  use_data_folder(a.data_folder);
  const auto run = Run::open(a.run);
  check(run.has_weights(), "[minify] ", a.run, ": no weights yet");
  const auto beside = run.path().parent_path() / (run.name() + "-small");
  const fs::path to = a.out.empty() ? beside : fs::path(a.out);
  Run::check_free(to, false);
  ProgressTalk talk(talk_for(a.quiet || a.json));
  const auto kept = kept_of(run, a.keep_rows, talk);
  auto small = Run::create(to, handed_over(run.facts()), run.schemas(), false);
  for (const char* name : kCarried) {
    const auto from = run.path() / name;
    std::error_code ignored;
    if (fs::exists(from, ignored))
      write_file_atomic((to / name).string(), read_file(from.string()));
  }
  small.keep(kept);
  Json removed = Json::array();
  int64_t before = 0, after = 0;
  for (const auto& entry : fs::directory_iterator(run.path())) {
    const auto name = entry.path().filename();
    before += bytes_of(entry.path());
    if (!fs::exists(to / name)) {
      removed.push_back({{"name", name.string()}, {"bytes", bytes_of(entry.path())}});
    }
  }
  for (const auto& entry : fs::directory_iterator(to)) after += bytes_of(entry.path());
  print_result({{"run", to.string()},
                {"bytes", after},
                {"bytes_before", before},
                {"kept_codes", kept.codes.defined() ? kept.codes.size(0) : 0},
                {"kept_reference_scores", kept.scores.defined() ? kept.scores.size(0) : 0},
                {"training_rows_in_weights", rows_kept_in(*run.load())},
                {"kept_rows", kept.x.defined() ? kept.x.size(0) : 0},
                {"removed", removed}},
               a.json);
  return 0;
}

Command::Body declare_minify(CLI::App& app) {
  auto a = std::make_shared<MinifyArguments>();
  app.add_option("RUN", a->run, "run: a folder written by elbo train")->required();
  app.add_option("-o,--out", a->out, "folder for the small run (default: RUN-small)")
      ->type_name("RUN");
  app.add_option("--keep-rows", a->keep_rows,
                 "number of held-out rows to keep (0 = none: codes and scores only)")
      ->type_name("NUMBER")
      ->default_str("0")
      ->check(CLI::NonNegativeNumber);
  add_data_folder(app, a->data_folder);
  add_quiet_flag(app, a->quiet);
  app.add_flag("--json", a->json, "print the result as one JSON object");
  return [a] { return minify(*a); };
}

const bool minify_added =
    add_command({"minify",
                 "A small copy of a run, to be handed over without its data",
                 {"elbo minify runs/digits", "elbo minify runs/digits -o digits --keep-rows 100"},
                 declare_minify});

}  // namespace
}  // namespace elbo

#include "elbo/train/run.h"

#include <set>

#include "elbo/core/allocation_bound.h"
#include "elbo/data/open.h"
#include "elbo/data/source.h"
#include "elbo/data/stored_schema.h"
#include "elbo/io/file.h"
#include "elbo/io/folder_lock.h"
#include "elbo/io/json_text.h"
#include "elbo/io/safetensors.h"
#include "elbo/train/fingerprint.h"
#include "elbo/train/kept.h"

namespace elbo {
namespace {

namespace fs = std::filesystem;

Json read_json(const fs::path& path) {
  return parse_json(read_plain_file(path.string()), "[run] " + path.string());
}

void write_json(const fs::path& path, const Json& j) {
  write_file_atomic(path.string(), j.dump(2) + "\n");
}

/// What a training leaves that was killed before the folder had its spec: nothing is lost with it.
bool is_half_made(const fs::path& path) {
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(path, failed)) {
    const auto name = entry.path().filename().string();
    const bool own = name == "schema.json" || name == ".lock" ||
                     (name.starts_with(".s") && name.ends_with(".tmp"));
    if (!own || !entry.is_regular_file(failed)) return false;
  }
  return !failed;
}

constexpr int64_t kSmallModel = int64_t{1} << 28;

/// Files that somebody changed may name sizes and types that no part checks for itself.
std::shared_ptr<Model> build_stored(const Run& run) {
  const auto where = "[run] " + (run.path() / "spec.json").string() + ": no model: ";
  try {
    const auto bound = run.bound_by("weights.safetensors");
    return build(run.spec(), run.schemas());
  } catch (const Json::exception& e) {
    fail(where, e.what());
  } catch (const c10::Error& e) {
    const std::string what = e.what_without_backtrace();
    fail(where, what.substr(0, what.find('\n')));
  }
}

/// Shared with the model, not copied.
Weights views_of(const Model& model) {
  Weights named;
  for (const auto& p : model.named_parameters()) named.emplace_back(p.key(), p.value().detach());
  for (const auto& b : model.named_buffers()) named.emplace_back(b.key(), b.value());
  return named;
}

Schemas schemas_from(const Json& j, const std::string& where) {
  check(j.is_object() && j.contains("x"), "[run] ", where, ": expected an object with \"x\"");
  const auto one = [&](const char* name) {
    return j.contains(name) ? stored_schema(j[name], where + " " + name) : Schema();
  };
  return {one("x"), one("c"), one("y"), one("target")};
}

}  // namespace

void Run::check_free(const fs::path& path, bool force) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return;
  if (fs::is_directory(path, ignored) && fs::is_empty(path, ignored)) return;
  const bool whole = fs::exists(path / "spec.json", ignored);
  if (!whole && is_half_made(path)) return;
  check(whole, "[run] ", path.string(),
        ": exists and is not a run; name another folder with --out");
  check(force, "[run] ", path.string(),
        ": a run is there; --resume continues it, --force replaces it");
}

Weights weights_of(const Model& model) {
  auto named = views_of(model);
  for (auto& [name, tensor] : named) tensor = tensor.clone();
  return named;
}

Run Run::create(const fs::path& path, const Json& facts, const Schemas& schemas, bool force) {
  check_free(path, force);
  std::error_code ignored;
  fs::create_directories(path, ignored);
  check(fs::is_directory(path, ignored), "[run] ", path.string(), ": cannot make the folder");
  Run run;
  run.path_ = path;
  run.take();
  check_free(path, force);  // another process may have made it meanwhile
  remove_leftovers(path.string());
  // Only what a run consists of goes: the folder may hold a person's own files.
  for (const char* name :
       {"state.safetensors", "weights.safetensors", "features.safetensors", "kept.safetensors",
        "report.html", "log.jsonl", "events.out.tfevents.elbo", "schema.json", "spec.json"}) {
    fs::remove(path / name, ignored);
  }
  run.facts_ = facts;
  run.schemas_ = schemas;
  Json all{{"x", to_json(schemas.x)}};
  if (schemas.c.present()) all["c"] = to_json(schemas.c);
  if (schemas.y.present()) all["y"] = to_json(schemas.y);
  if (schemas.target.present()) all["target"] = to_json(schemas.target);
  write_json(path / "schema.json", all);
  // Last: a folder with a spec is a run, and then the schema is there too.
  write_json(path / "spec.json", facts);
  return run;
}

Run Run::open(const fs::path& path) {
  std::error_code ignored;
  check(fs::exists(path, ignored), "[run] ", path.string(), ": no such folder");
  check(fs::is_regular_file(path / "spec.json", ignored), "[run] ", path.string(),
        ": not a run (no spec.json); elbo train makes one");
  Run run;
  run.path_ = path;
  run.facts_ = read_json(path / "spec.json");
  const auto has = [&](const char* key) {
    return run.facts_.is_object() && run.facts_.contains(key) && run.facts_[key].is_object();
  };
  for (const char* key : {"spec", "train", "data"}) {
    check(has(key), "[run] ", (path / "spec.json").string(), ": lacks the object \"", key, "\"");
  }
  check(run.facts_["data"].value("source", Json()).is_string(), "[run] ",
        (path / "spec.json").string(), ": data lacks \"source\"");
  for (const char* count : {"rows", "threads"}) {
    const auto number = run.facts_.value(count, Json(1));
    const bool whole = number.is_number_integer() && number >= 0 && number <= int64_t{1} << 40;
    check(whole, "[run] ", (path / "spec.json").string(), ": ", count, ": ",
          number.dump().substr(0, 40), " is not a count");
  }
  const auto options = run.facts_["data"].value("options", Json::object());
  check(options.is_object(), "[run] ", (path / "spec.json").string(),
        ": data.options is not an object");
  read_options<DataOptions>(options, "run] " + (path / "spec.json").string() + " [data");
  const Json parts = default_spec();
  for (const auto& [part, value] : parts.items()) {
    check(run.facts_["spec"].contains(part), "[run] ", (path / "spec.json").string(),
          ": spec lacks \"", part, "\"");
  }
  check(run.facts_.value("model", Json()).is_string(), "[run] ", (path / "spec.json").string(),
        ": lacks \"model\", a name");
  check(run.facts_.contains("rows"), "[run] ", (path / "spec.json").string(),
        ": lacks \"rows\", the number of training rows");
  if (!run.facts_["data"].contains("options")) run.facts_["data"]["options"] = Json::object();
  run.schemas_ = schemas_from(read_json(path / "schema.json"), (path / "schema.json").string());
  return run;
}

Run Run::without_files(const Json& facts, const Schemas& schemas) {
  Run run;
  run.facts_ = facts;
  run.schemas_ = schemas;
  return run;
}

void Run::take() {
  if (!lock_) lock_ = FolderLock::take(path_.string());
}

TrainOptions Run::train_options() const {
  return read_options<TrainOptions>(facts_["train"], "train");
}

void Run::set_facts(const Json& facts, bool write) {
  facts_ = facts;
  if (write) take();
  if (write) write_json(path_ / "spec.json", facts_);
}

std::unique_ptr<AllocationBound> Run::bound_by(const char* file) const {
  constexpr int64_t kTimes = 16;  // what is made on the way to the first weights
  std::error_code none;
  const auto size = static_cast<int64_t>(fs::file_size(path_ / file, none));
  if (path_.empty() || none) return nullptr;
  return std::make_unique<AllocationBound>(
      kSmallModel + std::min(size, INT64_MAX / kTimes / 2) * kTimes,
      "[run] " + (path_ / "spec.json").string() + ": the model needs more memory than the " +
          std::to_string(size) + " bytes of " + file + " can fill");
}

bool Run::has_weights() const { return fs::exists(path_ / "weights.safetensors"); }
bool Run::has_state() const { return !path_.empty() && fs::exists(path_ / "state.safetensors"); }

std::shared_ptr<Model> Run::load() const {
  const auto path = (path_ / "weights.safetensors").string();
  check(has_weights(), "[run] ", path_.string(),
        ": no weights yet; elbo train --resume continues the training");
  auto model = build_stored(*this);
  // Tensor by tensor: no second copy of a large file.
  const auto file = load_safetensors(path, [](const std::string&) { return true; });
  torch::NoGradGuard no_gradient;
  const auto wanted = views_of(*model);
  std::set<std::string> learned;  // buffers may hold what is not finite, as masks do
  for (const auto& p : model->named_parameters()) learned.insert(p.key());
  for (const auto& [name, tensor] : wanted) {
    const auto saved = file.find(name);
    check(saved.defined(), "[run] ", path, ": lacks the tensor ", name);
    check(saved.sizes() == tensor.sizes(), "[run] ", path, ": ", name, " has shape ",
          to_string(saved.sizes().vec()), ", the model needs ", to_string(tensor.sizes().vec()));
    check(learned.count(name) == 0 || saved.isfinite().all().item<bool>(), "[run] ", path, ": ",
          name, " holds numbers that are not finite: the file is damaged");
    tensor.copy_(saved);
  }
  check(file.tensors.size() == wanted.size(), "[run] ", path, ": holds ", file.tensors.size(),
        " tensors, the model has ", wanted.size());
  model->eval();
  return model;
}

void Run::save_weights(const Weights& weights, const Json& about) const {
  save_safetensors((path_ / "weights.safetensors").string(), weights, {{"elbo", about.dump()}});
}

Json Run::weights_about() const {
  const auto file = load_safetensors((path_ / "weights.safetensors").string());
  const auto at = file.metadata.find("elbo");
  const Json about = at == file.metadata.end() ? Json() : try_parse_json(at->second);
  return about.is_object() ? about : Json::object();
}

void Run::save_state(const Trainer::State& state) const {
  save_safetensors((path_ / "state.safetensors").string(), state.tensors,
                   {{"facts", state.facts.dump()}});
}

Trainer::State Run::load_state() const {
  const auto path = (path_ / "state.safetensors").string();
  auto file = load_safetensors(path);
  const auto facts = file.metadata.find("facts");
  check(facts != file.metadata.end(), "[run] ", path, ": lacks its facts");
  const auto parsed = parse_json(facts->second, "[run] " + path + ": its facts");
  check(parsed.is_object(), "[run] ", path, ": its facts are not a JSON object");
  return {std::move(file.tensors), parsed};
}

DataOptions Run::data_options(const std::string& split) const {
  auto options = read_options<DataOptions>(facts_["data"].value("options", Json::object()), "data");
  const auto folder = facts_["data"].value("folder", std::string());
  options.labels = source_from(options.labels, folder);
  options.without = source_from(options.without, folder);
  options.split = split;
  options.like = std::make_shared<const Schemas>(schemas_);
  return options;
}

Data Run::open_data(const std::string& split) const { return opened(data_options(split)); }

Data Run::opened(const DataOptions& options) const {
  if (!data_here()) lack_data();
  const auto source = data_source();
  auto data = elbo::open_data(source, options);
  check_fits(data->schemas().x, schemas_.x, source);
  const auto& c = data->schemas().c;
  check(!schemas_.c.present() || (c.present() && c.shape == schemas_.c.shape), "[run] ", source,
        ": lacks the condition that the model was trained with (spec.json, data.options)");
  return data;
}

std::string Run::name() const {
  const auto last = path_.filename().string();
  return last.empty() ? path_.parent_path().filename().string() : last;
}

std::string Run::data_source() const {
  return source_from(data_name(), facts_["data"].value("folder", std::string()));
}

bool Run::data_here() const {
  if (training_) return true;
  const auto source = data_source();
  if (!source_here(source)) return false;
  const auto& data = facts_["data"];
  if (source_in_place(data_name(), data.value("folder", std::string()))) return true;
  // Another file may have this name; a run that was handed over cannot tell.
  if (data.value("handed_over", Json()) == true) return false;
  const auto print = data.value("fingerprint", Json());
  return !print.is_string() || print == fingerprint(source_path(source));
}

bool Run::has_rows() const {
  if (data_here()) return true;
  const auto own = kept();
  return own && own->x.defined();
}

void Run::lack_data() const {
  const auto& data = facts_["data"];
  const auto folder = data.value("folder", std::string());
  const auto print = data.value("fingerprint", std::string());
  fail("[data] ", data_name(),
       source_here(data_source()) ? ": what has this name here is something else"
                                  : ": no such file or folder",
       ": the data that the run ", path_.string(), " was trained on are not on this machine",
       folder.empty() ? "" : " (trained in " + folder + (print.empty() ? "" : ", " + print) + ")",
       "; give DATA of the same form behind RUN, or their folder with --data-dir");
}

std::shared_ptr<const Kept> Run::kept() const {
  if (!kept_) kept_ = load_kept(*this);
  return kept_;
}

void Run::keep(const Kept& kept) const {
  save_kept(*this, kept);
  kept_.reset();
}

Data Run::training_data() const {
  if (!training_) {
    training_ = open_data(facts_["data"]["options"].value("split", DataOptions().split));
  }
  return training_;
}

std::pair<Data, Data> Run::training_parts() const {
  const auto options = train_options();
  if (has_validation_part()) {
    auto held = data_options("val");
    held.rows = 0;
    return {training_data(), opened(held)};
  }
  return split_validation(training_data(), options.validation, options.seed);
}

bool Run::has_validation_part() const {
  return facts_["data"].value("validation", std::string()) == "val";
}

Data Run::open_other(const std::string& text, const std::string& split, OddCells odd,
                     bool skip_invalid) const {
  auto options = data_options(split);
  options.odd = odd;
  if (skip_invalid) options.reader["skip_invalid"] = true;
  options.rows = options.labels_per_class = 0;
  options.labels.clear();
  options.without.clear();
  auto data = elbo::open_data(text, options);
  const auto found = data->schemas().x;
  // A run on binary images reads bytes as it was taught to.
  if (schemas_.x.kind == Kind::kBinary && found.kind == Kind::kByte) {
    data = binarized(data, schemas_.x.detail.value("binarize", "dynamic"));
  }
  check_fits(data->schemas().x, schemas_.x, text);
  return data;
}

Data Run::held_out(std::string* name) const {
  if (!data_here()) {
    const auto own = kept();
    if (!own || !own->codes.defined()) lack_data();
    if (name) *name = own->x.defined() ? "kept" : "decoded";
    return rows_of(*own, *this);
  }
  if (has_test_split(data_source())) {
    if (name) *name = "test";
    auto options = data_options("test");
    options.rows = 0;
    return opened(options);
  }
  auto [train, validation] = training_parts();
  if (name) *name = validation ? "validation" : "train";
  return validation ? validation : train;
}

}  // namespace elbo

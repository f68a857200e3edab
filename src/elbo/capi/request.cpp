#include "elbo/capi/request.h"

#include "elbo/capi/guard.h"
#include "elbo/io/json_text.h"

namespace elbo::capi {
namespace {

/// "name=value" as set_option() takes it. A word that is not JSON names a part.
std::string assignment(const std::string& name, const Json& value) {
  if (!value.is_string()) return name + "=" + value.dump();
  const auto word = value.get<std::string>();
  bool is_json = false;
  try_parse_json(word, &is_json);
  return name + "=" + (is_json ? value.dump() : word);
}

/// A patch of nested objects as assignments. The type of a part goes first: it replaces the
/// options.
void flatten(const std::string& prefix, const Json& patch, std::vector<std::string>& settings) {
  if (patch.contains("type")) settings.push_back(assignment(prefix, patch["type"]));
  for (const auto& [name, value] : patch.items()) {
    if (name == "type" && !prefix.empty()) continue;
    const auto path = prefix.empty() ? name : prefix + "." + name;
    if (value.is_object() && !value.empty()) {
      flatten(path, value, settings);
    } else {
      settings.push_back(assignment(path, value));
    }
  }
}

struct RequestFields {
  std::string model = "auto", purpose, from;
  Json set = Json::object(), spec = Json::object(), train = Json::object(),
       reference = Json::object();
  bool force = false;
  int64_t threads = 0;
  template <class F>
  void fields(F&& f) {
    f("model", model, "model: a name of the zoo, or a JSON file (auto = as the data ask for)");
    f("for", purpose, "purpose that auto chooses the model for: anomalies or outliers");
    f("set", set, "options of the model by dotted name");
    f("spec", spec, "patch of the model's spec");
    f("train", train, "training options");
    f("reference", reference, "draws and seed of the scores of normal rows that the run keeps");
    f("from", from, "run whose prior is fitted anew");
    f("force", force, "replace an existing run");
    f("threads", threads, "threads to compute on (0 = as many as torch uses)", between(0, 1024));
  }
};

}  // namespace

TrainWish read_request(const char* json) {
  const auto fields = read_options<RequestFields>(options_from(json, "elbo_train"), "request");
  for (const auto* part : {&fields.set, &fields.spec, &fields.train, &fields.reference}) {
    check(part->is_object(), "[request] set, spec, train, reference: expected objects, found ",
          part->dump());
  }
  TrainWish wish{{}, {}, fields.force, fields.threads};
  wish.reference = read_options<RowScoreOptions>(fields.reference, "reference");
  wish.train.model = fields.model;
  wish.train.purpose = fields.purpose;
  wish.train.from = fields.from;
  wish.train.train_options = fields.train;
  flatten("", fields.spec, wish.train.settings);
  for (const auto& [name, value] : fields.set.items()) {
    if (value.is_object() && !value.empty()) {
      flatten(name, value, wish.train.settings);
    } else {
      wish.train.settings.push_back(assignment(name, value));
    }
  }
  return wish;
}

Json resumed_facts(const Run& run, const Json& options) {
  Json facts = run.facts();
  for (const auto& [name, value] : options.items()) {
    const bool free = name == "epochs" || name == "steps" || name == "patience" || name == "lr";
    check(free, "[resume] ", name, " cannot change; only epochs, steps, patience and lr may");
    facts["train"][name] = value;
  }
  const auto train = read_options<TrainOptions>(facts["train"], "train");
  const auto rows = facts.value("rows", int64_t{0});
  const auto training_rows = rows - held_out_rows(rows, train.validation);
  facts["train"]["lr"] =
      train.lr.in_steps(static_cast<double>(steps_per_epoch(training_rows, train.batch)));
  return facts;
}

}  // namespace elbo::capi

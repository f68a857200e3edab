#include "elbo/train/plan.h"

#include <tuple>

#include "elbo/data/content_hash.h"
#include "elbo/data/hidden_cells.h"
#include "elbo/data/label_rows.h"
#include "elbo/data/open.h"
#include "elbo/data/recognise.h"
#include "elbo/nn/bf16.h"
#include "elbo/train/players.h"
#include "elbo/train/stage.h"
#include "elbo/train/usual.h"

namespace elbo {
namespace {

constexpr int64_t kTrialRows = 8;
constexpr const char* kUsual = "auto";  // the model that suits the data

/// One look at what training will do, so that parts that do not fit are told before it begins.
void try_out(Model& model, Objective& objective, const Dataset& data, const std::string& rule) {
  torch::NoGradGuard no_gradient;
  const auto rows = torch::arange(std::min(kTrialRows, data.size()), torch::kInt64);
  model.eval();
  objective.eval();
  check_players(objective.players(model), rule);
  objective.validate(model, data.get(rows));
}

/// A second stage without data of its own goes on with those of the first.
void use_data_of(const Run& first, TrainRequest& request) {
  request.data = first.data_source();
  auto options = first.facts()["data"]["options"];
  options.merge_patch(request.data_options);
  request.data_options = options;
}

/// --set is for the model; the flags of training have names that look alike.
void refuse_flags(const std::string& assignment) {
  const auto name = assignment.substr(0, assignment.find('='));
  for (const auto& option : describe<TrainOptions>()) {
    auto flag = name;
    std::replace(flag.begin(), flag.end(), '_', '-');
    check(option.name != name, "[set] ", name, ": an option of the training, not of the model: --",
          flag);
  }
}

Json options_of_both(const Json& recommended, const Json& given) {
  check(recommended.is_object(), "[model] train: expected an object of training options, found ",
        recommended.dump());
  Json both = recommended;
  both.update(given);
  return both;
}

/// Whether the model is one for tables: such a model is not asked for a series.
bool is_for_tables(const std::string& model) {
  return std::any_of(zoo().begin(), zoo().end(), [&](const ZooEntry& entry) {
    return entry.name == model && entry.group == "tables";
  });
}

/// Nobody has said how long training shall be, neither the request nor the model.
bool has_no_budget(const Json& options, const TrainRequest& request) {
  const bool named = options.contains("epochs") || options.contains("steps") ||
                     options.contains("batch") || options.contains("lr");
  return !named && request.from.empty();
}

/// Whether the rows to be trained on have few labels.
bool has_few_labels_of(const Dataset& training) {
  if (!training.schemas().y.present()) return false;
  const auto y = labels_of(training);
  return y.defined() && labels_are_few((y >= 0).sum().item<int64_t>(), y.size(0));
}

int64_t flops_of(const Model& model) {
  int64_t flops = 0;
  for (const auto& layers : {model.latent->report(), model.decoder->report()}) {
    for (const auto& layer : layers) flops += layer.flops;
  }
  return flops;
}

/// The share of cells that training hides. A second stage reads rows as the first one's model does.
double hidden_share(const TrainOptions& options, const Schema& x, bool second_stage) {
  constexpr double kUsual = 0.25;  // every other row hides some
  const bool table = x.kind == Kind::kTable;
  check(options.hide <= 0 || table, "[train] hide: found ", options.hide,
        ", cells are hidden in tables only");
  if (options.hide >= 0) return options.hide;
  return table && numel(x.shape) > 1 && !second_stage ? kUsual : 0;
}

}  // namespace

void resolve_epochs(Json& j, double steps_per_epoch) {
  if (j.is_structured()) {
    for (auto& item : j) resolve_epochs(item, steps_per_epoch);
    return;
  }
  if (!j.is_string() || !j.get_ref<const std::string&>().ends_with(")")) return;
  try {
    j = Schedule(j.get<std::string>()).in_steps(steps_per_epoch);
  } catch (const Error&) {
    // Some other text: the part that reads it judges it.
  }
}

TrainPlan plan_training(const TrainRequest& asked) {
  auto request = asked;
  std::optional<Run> first;
  if (!request.from.empty()) {
    first = Run::open(request.from);
    if (request.data.empty()) use_data_of(*first, request);
  }
  auto data_options = read_options<DataOptions>(request.data_options, "data");
  // A second stage reads rows as the first does, whatever these rows would tell by themselves.
  if (first) data_options.like = std::make_shared<const Schemas>(first->schemas());
  Recognised taken{request.data, ""};
  if (!is_for_tables(request.model)) taken = recognised(request.data, data_options);
  request.data = taken.source;
  Data data;
  check(request.purpose.empty() || request.model == kUsual, "[train] for: found ", request.purpose,
        " beside --model ", request.model, "; a purpose chooses the model, so name one of the two");
  if (request.model == kUsual) {
    data = first ? nullptr : open_data(request.data, data_options);
    request.model = data ? usual_model(data->schemas().x, request.purpose) : "vae";
  }
  Json spec = first ? second_stage_spec(*first, request.model) : model_spec(request.model);
  for (const auto& assignment : request.settings) {
    refuse_flags(assignment);
    set_option(spec, assignment);
  }
  Json recommended = spec.value("train", Json::object());
  TrainPlan plan;
  // A number of steps would silently win over the epochs that somebody asks for.
  if (request.train_options.contains("epochs") && !request.train_options.contains("steps") &&
      recommended.is_object() && recommended.value("steps", Json(0)) != 0) {
    plan.notes.push_back("--epochs goes before the " + recommended["steps"].dump() +
                         " steps that the model " + request.model + " recommends");
    recommended.erase("steps");
  }
  spec.erase("train");
  const auto wanted = options_of_both(recommended, request.train_options);
  auto options = read_options<TrainOptions>(wanted, "train");
  options.precision = chosen_precision(options.precision, "train");

  if (!data) data = open_data(request.data, data_options);
  const bool asked_to_hide = options.hide >= 0;
  options.hide = hidden_share(options, data->schemas().x, first.has_value());
  if (options.hide > 0) data = with_hidden_cells(data, 0);
  if (options.hide > 0 && !asked_to_hide) {
    plan.notes.push_back(
        "training hides cells, a quarter of them, so that the model can fill missing ones (--hide "
        "0: none)");
  }
  plan.data = data;
  const bool own_part = data_options.split == "train" &&
                        !request.train_options.contains("validation") && options.validation > 0 &&
                        has_validation_split(request.data);
  Data training = data, validation;
  if (own_part) {
    auto held = data_options;
    held.split = "val";
    held.rows = 0;
    held.like = std::make_shared<const Schemas>(data->schemas());
    validation = open_data(request.data, held);
    check_fits(validation->schemas().x, data->schemas().x, request.data + ", part val");
  } else {
    std::tie(training, validation) = split_validation(data, options.validation, options.seed);
  }
  plan.schemas = data->schemas();
  if (!taken.note.empty()) plan.schemas.x.detail["notes"].push_back(taken.note);
  if (first) check_fits(plan.schemas.x, first->schemas().x, request.data);
  plan.training_rows = training->size();
  plan.validation_rows = validation ? validation->size() : 0;
  if (has_no_budget(wanted, request)) {
    const auto note =
        usual_budget(options, plan.schemas.x, plan.training_rows, plan.validation_rows > 0);
    if (!note.empty()) plan.notes.push_back(note);
  }
  const bool first_look = asked.model == kUsual && !first &&
                          usual_token_batch(options, request.train_options, plan.schemas.x);
  plan.steps_per_epoch = steps_per_epoch(plan.training_rows, options.batch);

  Json resolved = resolve(spec, plan.schemas);
  resolve_epochs(resolved, static_cast<double>(plan.steps_per_epoch));
  if (resolved.contains("densities")) {
    resolved["densities"] = bounded_densities(resolved["densities"], plan.training_rows);
  }
  options.lr = options.lr.in_steps(static_cast<double>(plan.steps_per_epoch));

  RandomScope scope(static_cast<uint64_t>(options.seed));
  const auto [model, objective] = assemble(resolved, plan.schemas, plan.training_rows);
  if (first) take_weights(*model, *first);
  try_out(*model, *objective, *training, options.optimizer);
  if (first_look) {
    int64_t parameters = 0;
    for (const auto& p : model->parameters()) parameters += p.numel();
    plan.notes.push_back(usual_token_steps(options, request.train_options, plan.schemas.x,
                                           parameters, plan.training_rows));
  }
  if (asked.model == kUsual && asked.purpose.empty() && !first_look &&
      has_no_budget(wanted, request) && has_few_labels_of(*training)) {
    const auto note =
        usual_label_budget(options, flops_of(*model), plan.training_rows, plan.validation_rows > 0);
    if (!note.empty()) plan.notes.push_back(note);
  }
  plan.steps = options.steps > 0 ? options.steps : options.epochs * plan.steps_per_epoch;
  plan.model = model;
  plan.objective = objective;

  plan.facts = {{"model", request.model},
                {"spec", resolved},
                {"train", write_options(options)},
                {"data",
                 {{"source", request.data},
                  {"options", write_options(data_options)},
                  {"hash", content_hash(*data)}}},
                {"rows", data->size()}};
  if (own_part) plan.facts["data"]["validation"] = "val";
  if (first) plan.facts["from"] = request.from;
  // Names, types and scales of published weights hold for what they become.
  for (const char* name : {"published", "latents"}) {
    if (first && first->facts().contains("published") && first->facts().contains(name)) {
      plan.facts[name] = first->facts()[name];
    }
  }
  // A second stage is the first one's model, whatever its new prior.
  if (first && asked.model == kUsual) {
    plan.facts["model"] = first->facts().value("model", std::string()) + " with a new prior";
  }
  return plan;
}

}  // namespace elbo

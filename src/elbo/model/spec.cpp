#include "elbo/model/spec.h"

#include <filesystem>
#include <fstream>

#include "elbo/io/file.h"
#include "elbo/io/json_text.h"
#include "elbo/nn/steps.h"

namespace elbo {

std::vector<std::pair<std::string, std::string>> embedded_zoo();

namespace {

bool is_image(const Schema& schema) { return schema.shape.size() == 3; }

/// Texts are read by a recurrent network; what writes them reads the code by itself.
std::string auto_encoder(const Schema& x) {
  return x.kind == Kind::kToken ? "gru" : is_image(x) ? "conv" : "mlp";
}
std::string auto_decoder(const Schema& x) { return is_image(x) ? "conv" : "mlp"; }

const std::map<Kind, std::string>& likelihood_of_kind() {
  static const std::map<Kind, std::string> table = {{Kind::kBinary, "bernoulli"},
                                                    {Kind::kUnit, "continuous_bernoulli"},
                                                    {Kind::kByte, "discretized_logistic"},
                                                    {Kind::kReal, "normal"},
                                                    {Kind::kCount, "negative_binomial"},
                                                    {Kind::kCategory, "categorical"},
                                                    {Kind::kTable, "table"},
                                                    {Kind::kToken, "autoregressive"}};
  return table;
}

/// Options laid over those of a part; a part of another type has none of the old one's.
void lay_over(Json& part, const Json& options) {
  const bool parts = part.is_object() && options.is_object();
  const bool other =
      parts && options.contains("type") && part.value("type", Json()) != options["type"];
  if (!parts || other) {
    part = options;
    return;
  }
  for (const auto& [name, value] : options.items()) lay_over(part[name], value);
}

/// A part may name what suits single kinds of data, {"for": {"real": …}}; others get "auto".
/// Options beside it go before those of the choice; another type has none of them.
void choose_for_kind(Json& part, Kind kind, const char* where) {
  if (!part.is_object() || !part.contains("for")) return;
  check(part["for"].is_object(), "[spec] ", where, ": \"for\" names kinds of data, found ",
        part.dump());
  Json chosen = part["for"].value(to_string(kind), Json("auto"));
  part.erase("for");
  if (!part.empty() && chosen.is_string()) chosen = {{"type", chosen}};
  if (!part.empty()) lay_over(chosen, part);
  part = chosen;
}

Json default_latent_size(const Schema& x) {
  if (x.kind == Kind::kToken) return 32;
  const int64_t n = numel(x.shape);
  return is_image(x) ? 32 : std::clamp<int64_t>(n / 2, 2, 32);
}

/// A code that is a smaller picture: its shape, by how much sides of pictures are longer.
void resolve_factor(Json& latent, const Schema& x) {
  if (latent.value("type", "") != "flat" || !latent.contains("factor")) return;
  const Json factor = latent["factor"], channels = latent.value("channels", Json(4));
  const auto whole = [](const Json& j) { return j.is_number_integer() && j > 0 && j <= 65536; };
  check(whole(factor) && whole(channels), "[latent flat] factor, channels: found ", factor.dump(),
        ", ", channels.dump(), ", expected positive whole numbers");
  const auto each = factor.get<int64_t>();
  check(is_image(x) && x.shape[1] % each == 0 && x.shape[2] % each == 0,
        "[latent flat] factor: ", to_string(x.kind), " rows of ", to_string(x.shape),
        ", expected pictures with sides that ", each, " divides (--resize HEIGHTxWIDTH)");
  latent.erase("factor");
  latent.erase("channels");
  if (latent.contains("shape")) return;  // the size that somebody has set
  latent["shape"] = {channels, x.shape[1] / each, x.shape[2] / each};
}

}  // namespace

Json default_spec() {
  return Json{{"latent", {{"type", "flat"}}},   {"encoder", "auto"}, {"decoder", "auto"},
              {"posterior", "normal"},          {"prior", "normal"}, {"likelihood", "auto"},
              {"objective", {{"type", "elbo"}}}};
}

ZooEntry parse_zoo_entry(const std::string& name, const std::string& text) {
  const Json j = parse_json(text, "[model] " + name);
  check(j.is_object() && j.contains("spec") && j["spec"].is_object(), "[model ", name,
        "] expected an object with \"about\", \"paper\", \"group\" and \"spec\"");
  for (const auto& [key, value] : j.items()) {
    const bool word = key == "about" || key == "paper" || key == "group";
    check(key == "spec" || (word && value.is_string()), "[model ", name, "] unexpected \"", key,
          "\"; known: about, group, paper, spec");
  }
  return {name, j.value("about", ""), j.value("paper", ""), j.value("group", ""), j["spec"]};
}

const std::vector<ZooEntry>& zoo() {
  static const std::vector<ZooEntry> entries = [] {
    std::vector<ZooEntry> list;
    for (const auto& [name, text] : embedded_zoo()) list.push_back(parse_zoo_entry(name, text));
    std::sort(list.begin(), list.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return list;
  }();
  return entries;
}

Json model_spec(const std::string& name) {
  Json spec = default_spec();
  if (name.ends_with(".json")) {
    check(std::filesystem::is_regular_file(name), "[model] ", name, ": no such file");
    const auto stem = std::filesystem::path(name).stem().string();
    spec.merge_patch(parse_zoo_entry(stem, read_file(name)).patch);
    return spec;
  }
  std::vector<std::string> names;
  for (const auto& entry : zoo()) {
    if (entry.name == name) {
      spec.merge_patch(entry.patch);
      return spec;
    }
    names.push_back(entry.name);
  }
  fail("[model] unknown \"", name, "\"", known_words(name, names));
}

void set_option(Json& spec, const std::string& assignment) {
  const auto equals = assignment.find('=');
  check(equals != std::string::npos && equals > 0, "[set] \"", assignment,
        "\": expected name=value, e.g. objective.beta=4");
  Json* node = &spec;
  std::stringstream path(assignment.substr(0, equals));
  for (std::string key; std::getline(path, key, '.');) {
    check(!key.empty(), "[set] \"", assignment, "\": an empty name between dots");
    // "posterior": "normal" is short for {"type": "normal"}.
    if (node->is_string()) *node = Json{{"type", *node}};
    if (node->is_array()) {
      check(key.find_first_not_of("0123456789") == std::string::npos && key.size() < 6 &&
                std::stoul(key) < node->size(),
            "[set] \"", assignment, "\": \"", key, "\" is not a place in a list of ", node->size());
      node = &(*node)[std::stoul(key)];
      continue;
    }
    check(node->is_object() || node->is_null(), "[set] \"", assignment, "\": \"", key,
          "\" is below a plain value");
    node = &(*node)[key];
  }
  const std::string value = assignment.substr(equals + 1);
  bool is_json = false;
  const Json parsed = try_parse_json(value, &is_json);
  const bool named_part = node->is_object() && node->contains("type") && !is_json;
  // A name replaces a part's type and with it the options of the old one.
  if (named_part) {
    *node = Json{{"type", value}};
  } else {
    *node = is_json ? parsed : Json(value);
  }
}

namespace {

/// The part whose option somebody has taken for a part.
std::string option_hint(const std::string& name) {
  const auto has = [&](const auto& registry) {
    for (const auto& entry : registry.entries()) {
      for (const auto& option : entry.options) {
        if (option.name == name) return true;
      }
    }
    return false;
  };
  std::vector<std::string> places;
  if (has(objectives())) places.push_back("objective." + name);
  if (has(latents())) places.push_back("latent." + name);
  return places.empty() ? "" : "; it is an option of a part: " + join(places, " or ");
}

}  // namespace

Json resolve(const Json& spec, const Schemas& data) {
  check(spec.is_object(), "[spec] expected an object, found ", spec.dump());
  const Json known = default_spec();
  std::vector<std::string> names{"train", "property", "densities"};
  for (const auto& [key, value] : known.items()) names.push_back(key);
  for (const auto& [key, value] : spec.items()) {
    check(std::find(names.begin(), names.end(), key) != names.end(), "[spec] unknown part \"", key,
          "\"", known_words(key, names), option_hint(key));
  }
  Json out = known;
  out.merge_patch(spec);
  const auto choose = [&](const char* part, const std::string& name) {
    if (out[part] == "auto") out[part] = name;
    if (out[part].is_object() && out[part].value("type", Json("auto")) == "auto") {
      out[part]["type"] = name;
    }
  };
  for (const char* part : {"encoder", "decoder", "likelihood"}) {
    choose_for_kind(out[part], data.x.kind, part);
  }
  const bool auto_decoded = out["decoder"] == "auto";
  choose("encoder", auto_encoder(data.x));
  choose("decoder", auto_decoder(data.x));
  if (data.x.kind == Kind::kToken && auto_decoded) {
    out["decoder"] = {{"type", "mlp"}, {"hidden", Json::array()}};
  }
  for (const char* part : {"encoder", "decoder"}) {
    // A table's few columns need no wide layers.
    if (data.x.kind != Kind::kTable || !(out[part].is_string() || out[part].is_object())) continue;
    if (out[part] == "mlp") out[part] = Json{{"type", "mlp"}};
    if (out[part].value("type", "") == "mlp" && !out[part].contains("hidden")) {
      out[part]["hidden"] = {128, 128};
    }
  }
  if (out.contains("densities")) {
    choose_for_kind(out["densities"], data.x.kind, "densities");
    out["densities"] = resolve_densities(out["densities"]);
    if (out["densities"].empty()) out.erase("densities");
  }
  const auto likelihood = likelihood_of_kind().find(data.x.kind);
  if (likelihood != likelihood_of_kind().end()) choose("likelihood", likelihood->second);
  if (out["latent"].is_string()) out["latent"] = Json{{"type", out["latent"]}};
  resolve_factor(out["latent"], data.x);
  if (out["latent"].value("type", "") == "flat" && !out["latent"].contains("size")) {
    out["latent"]["size"] = default_latent_size(data.x);
  }
  if (auto property = resolve_property(out.value("property", Json()), data); !property.is_null()) {
    out["property"] = property;
  }
  return out;
}

std::shared_ptr<Model> build(const Json& resolved, const Schemas& data) {
  auto latent = latents().make({data, resolved}, resolved.at("latent"));
  auto likelihood = make_head({data.x, data}, resolved.at("likelihood"));
  const NetworkPlan plan{latent->code(), likelihood->input(), condition_size(data)};
  const Json& declared = resolved.at("decoder");
  auto decoder = latent->steps() > 0 ? make_steps(plan, declared) : networks().make(plan, declared);
  auto predictor = make_predictor(resolved.value("property", Json()), data, latent->code());
  auto densities = make_densities(resolved.value("densities", Json::array()), data.x);
  return std::make_shared<Model>(latent, decoder, likelihood, predictor, std::move(densities));
}

std::shared_ptr<Objective> build_objective(const Json& resolved, const Schemas& data,
                                           const Model& model, int64_t rows) {
  return objectives().make({data, model.latent->code(), rows}, resolved.at("objective"));
}

Assembly assemble(const Json& spec, const Schemas& data, int64_t rows) {
  const Json resolved = resolve(spec, data);
  auto model = build(resolved, data);
  auto objective = build_objective(resolved, data, *model, rows);
  return {std::move(model), std::move(objective)};
}

int64_t condition_size(const Schemas& data) { return data.c.present() ? numel(data.c.shape) : 0; }

}  // namespace elbo

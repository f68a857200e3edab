#include "elbo/cli/list_model.h"

#include "elbo/model/spec.h"
#include "elbo/nn/sequence.h"
#include "elbo/train/trainer.h"

namespace elbo {
namespace {

std::string default_text(const OptionHelp& option) {
  return option.value.is_string() ? option.value.get<std::string>()
                                  : (option.value.is_null() ? "" : option.value.dump());
}

struct Part {
  std::string about;
  std::vector<OptionHelp> options;
};

template <class Registry>
bool find_part(const Registry& registry, const std::string& name, Part& part) {
  for (const auto& entry : registry.entries()) {
    if (entry.name != name) continue;
    part = {entry.about, entry.options};
    return true;
  }
  return false;
}

/// The part that a spec names at this place; nothing where it is chosen by the data.
bool part_at(const std::string& place, const std::string& name, Part& part) {
  if (place == "latent") return find_part(latents(), name, part);
  if (place == "objective") return find_part(objectives(), name, part);
  if (place == "encoder" || place == "decoder") {
    return find_part(networks(), name, part) || find_part(sequence_networks(), name, part);
  }
  return find_part(heads(), name, part);
}

/// The defaults of a part, replaced by what the spec says.
std::vector<OptionHelp> options_in(const Part& part, const Json& declared) {
  auto options = part.options;
  for (auto& option : options) {
    if (declared.is_object() && declared.contains(option.name))
      option.value = declared[option.name];
  }
  return options;
}

std::string place_text(const std::string& place, const Json& declared, size_t columns) {
  const auto name = declared.is_object() ? declared.value("type", Json("auto")) : declared;
  if (!name.is_string()) return "";
  Part part;
  std::string text = "\n" + place + ": " + name.get<std::string>();
  if (!part_at(place, name, part)) return text + " (chosen by the data)\n";
  text += ". " + part.about + "\n";
  const auto options = options_in(part, declared);
  return text + (options.empty() ? "" : option_table(options).text(columns));
}

}  // namespace

TextTable option_table(const std::vector<OptionHelp>& options) {
  TextTable table({"option", "default", "allowed", "meaning"});
  for (const auto& option : options) {
    table.add({option.name, default_text(option), to_string(option.allowed), option.help});
  }
  return table;
}

std::string model_text(const std::string& name, size_t columns) {
  auto spec = model_spec(name);
  std::string text = name;
  for (const auto& entry : zoo()) {
    if (entry.name != name) continue;
    text += ". " + entry.about + "\n" + (entry.paper.empty() ? "" : entry.paper + "\n");
    text += "\nIts spec, beside the defaults: " + entry.patch.dump();
  }
  text = wrapped(text, 0, 0) +
         "\nAn option is set by --set PART.OPTION=VALUE, training by its flag.\n";
  const Json train = spec.value("train", Json::object());
  for (const auto& [place, declared] : spec.items()) {
    if (place != "train") text += place_text(place, declared, columns);
  }
  if (!train.empty()) text += "\ntraining that it recommends: " + train.dump() + "\n";
  return text;
}

}  // namespace elbo

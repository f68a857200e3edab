#include <iostream>
#include <set>

#include "elbo/cli/command.h"
#include "elbo/cli/list_kinds.h"
#include "elbo/cli/list_model.h"
#include "elbo/cli/table.h"
#include "elbo/cli/usage.h"
#include "elbo/data/builtin.h"
#include "elbo/data/open.h"
#include "elbo/data/tokenizer.h"
#include "elbo/eval/metric.h"
#include "elbo/model/density.h"
#include "elbo/model/flow_step.h"
#include "elbo/model/predictor.h"
#include "elbo/model/spec.h"
#include "elbo/model/table_encoder.h"
#include "elbo/model/token_encoder.h"
#include "elbo/nn/sequence.h"
#include "elbo/tasks/task.h"
#include "elbo/train/run.h"

namespace elbo {
namespace {

struct Listed {
  std::string name, about;
  std::vector<OptionHelp> options;
};

template <class Registry>
std::vector<Listed> listed(const Registry& registry) {
  std::vector<Listed> list;
  for (const auto& entry : registry.entries()) {
    list.push_back({entry.name, entry.about, entry.options});
  }
  return list;
}

struct Chapter {
  std::string name, title;
  std::function<std::vector<Listed>()> entries;
};

std::vector<Listed> listed_models() {
  std::vector<Listed> list;
  for (const auto& entry : zoo()) list.push_back({entry.name, entry.about, {}});
  return list;
}

/// What a spec's parts take beside the options of the network, head or objective that they name.
std::vector<Listed> listed_parts() {
  return {
      {"encoder (tables)", "Beside the options of the encoder's network", table_encoder_options()},
      {"encoder (texts, molecules)", "Beside the options of the encoder's network",
       token_encoder_options()},
      {"property", "Properties predicted from the code (--property)", property_options()},
      {"train", "Training that a model recommends; the flags of elbo train go before it",
       describe<TrainOptions>()}};
}

const std::vector<Chapter>& kinds() {
  static const std::vector<Chapter> list = {
      {"models", "Models (elbo train --model NAME)", listed_models},
      {"data", "Data readers (READER:PATH)",
       [] {
         auto list = listed(readers());
         const auto common = describe<DataOptions>();
         for (auto& reader : list) {
           reader.options.insert(reader.options.end(), common.begin(), common.end());
         }
         return list;
       }},
      {"builtin", "Built-in data sets (builtin:NAME)", [] { return listed(builtins()); }},
      {"heads", "Heads: priors, posteriors and likelihoods", [] { return listed(heads()); }},
      {"steps", "Steps of flows (the option step of the head flow)",
       [] { return listed(flow_steps()); }},
      {"networks", "Networks: encoder and decoder", [] { return listed(networks()); }},
      {"sequences", "Networks over tokens: encoder and likelihood.net of texts",
       [] { return listed(sequence_networks()); }},
      {"tokens", "Tokens of texts and molecules (--tokens NAME)",
       [] { return listed(tokenizers()); }},
      {"latents", "Latent structures", [] { return listed(latents()); }},
      {"objectives", "Objectives", [] { return listed(objectives()); }},
      {"densities", "Densities beside the model, which anomaly scores hear",
       [] { return listed(densities()); }},
      {"parts", "Further options of a spec's parts (--set PART.OPTION=VALUE)", listed_parts},
      {"metrics", "Metrics (elbo evaluate RUN --metrics NAME,…)", [] { return listed(metrics()); }},
      {"tasks", "Tasks (elbo NAME RUN)", [] { return listed(tasks()); }}};
  return list;
}

std::string indented(const std::string& text, const std::string& by) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out += by + line + "\n";
  return out;
}

/// What is left of the terminal behind an indent; 0 = no limit.
size_t within(size_t indent) {
  const auto columns = output_columns();
  return columns > 0 ? columns - indent : 0;
}

/// One entry with its options.
std::string entry_text(const Chapter& kind, const std::string& name) {
  if (kind.name == "models") return model_text(name, output_columns());
  std::vector<std::string> names;
  for (const auto& entry : kind.entries()) {
    names.push_back(entry.name);
    if (entry.name != name) continue;
    const auto options = option_table(entry.options).text(output_columns());
    return entry.name + "  " + entry.about + "\n" + (entry.options.empty() ? "" : "\n" + options);
  }
  fail("[list] ", kind.name, ": unknown \"", name, "\"", known_words(name, names));
}

std::string kind_text(const Chapter& kind, bool with_options) {
  const auto entries = kind.entries();
  std::string text = kind.title + "\n";
  if (!with_options || kind.name == "models" || kind.name == "data") {
    TextTable table({"name", "about"});
    for (const auto& entry : entries) table.add({entry.name, entry.about});
    text += indented(table.text(within(2)), "  ");
    if (with_options && kind.name == "data") {
      for (const auto& entry : readers().entries()) {
        if (entry.options.empty()) continue;
        text += "\n  " + entry.name + "\n" +
                indented(option_table(entry.options).text(within(4)), "    ");
      }
      text += "\n  Every reader\n" +
              indented(option_table(describe<DataOptions>()).text(within(4)), "    ");
    }
    return text;
  }
  for (const auto& entry : entries) {
    text += "\n  " + entry.name + "  " + entry.about + "\n";
    if (!entry.options.empty())
      text += indented(option_table(entry.options).text(within(4)), "    ");
  }
  return text;
}

Json kind_json(const Chapter& kind, const std::string& name) {
  Json list = Json::array();
  for (const auto& entry : kind.entries()) {
    if (!name.empty() && entry.name != name) continue;
    Json item{{"name", entry.name}, {"about", entry.about}};
    for (const auto& option : entry.options) {
      item["options"].push_back({{"name", option.name},
                                 {"default", option.value},
                                 {"allowed", to_string(option.allowed)},
                                 {"help", option.help}});
    }
    list.push_back(item);
  }
  return list;
}

std::string models_markdown() {
  std::string text =
      "## Models\n\n`elbo train DATA --out RUN --model NAME`. A model is a patch of "
      "the default spec\n`" +
      default_spec().dump() + "`.\n";
  std::set<std::string> groups;
  for (const auto& entry : zoo()) groups.insert(entry.group);
  for (const auto& group : groups) {
    text += "\n### " + (group.empty() ? std::string("other") : group) + "\n\n";
    TextTable table({"name", "about", "paper", "spec"});
    for (const auto& entry : zoo()) {
      if (entry.group != group) continue;
      table.add({"`" + entry.name + "`", entry.about, entry.paper, "`" + entry.patch.dump() + "`"});
    }
    text += table.markdown();
  }
  return text;
}

std::string markdown(const Chapter& kind) {
  if (kind.name == "models") return models_markdown();
  std::string text = "## " + kind.title + "\n";
  for (const auto& entry : kind.entries()) {
    text += "\n### " + entry.name + "\n\n" + entry.about + ".\n";
    if (!entry.options.empty() && kind.name != "data") {
      text += "\n" + option_table(entry.options).markdown();
    }
  }
  if (kind.name == "data") {
    for (const auto& entry : readers().entries()) {
      if (entry.options.empty()) continue;
      text += "\nOptions of " + entry.name + " alone:\n\n" + option_table(entry.options).markdown();
    }
    text += "\nOptions of every reader:\n\n" + option_table(describe<DataOptions>()).markdown();
  }
  return text;
}

struct ListArguments {
  std::string what, name;
  bool markdown = false, json = false;
};

int list(const ListArguments& a) {
  const auto names = list_kinds();
  const bool known = a.what.empty() || std::find(names.begin(), names.end(), a.what) != names.end();
  check(known, "[list] unknown \"", a.what, "\"", known_words(a.what, names));
  Json all = Json::object();
  std::string text;
  if (a.markdown) text = "<!-- Generated by `elbo list --markdown`. -->\n\n# What elbo knows\n";
  for (const auto& kind : kinds()) {
    if (!a.what.empty() && a.what != kind.name) continue;
    if (!a.name.empty() && !a.json && !a.markdown) {
      text += entry_text(kind, a.name);
    } else if (a.json) {
      all[kind.name] = kind_json(kind, a.name);
    } else {
      text += (text.empty() ? "" : "\n") +
              (a.markdown ? markdown(kind) : kind_text(kind, !a.what.empty()));
    }
  }
  std::cout << (a.json ? all.dump() + "\n" : text);
  if (a.what.empty() && !a.json && !a.markdown) {
    std::cout << "\nelbo list KIND shows the options of one kind: " << join(names) << "\n";
  }
  return 0;
}

}  // namespace

std::vector<std::string> list_kinds() {
  std::vector<std::string> names;
  for (const auto& kind : kinds()) names.push_back(kind.name);
  return names;
}

namespace {

Command::Body declare_list(CLI::App& app) {
  auto a = std::make_shared<ListArguments>();
  app.add_option("KIND", a->what, "kind to list with its options: " + join(list_kinds()));
  app.add_option("NAME", a->name, "one of that kind, with every option and its default");
  app.add_flag("--markdown", a->markdown, "print as documentation (docs/models.md)");
  app.add_flag("--json", a->json, "print as one JSON object");
  return [a] { return list(*a); };
}

const bool list_added = add_command({"list",
                                     "Everything you can choose, with its options",
                                     {"elbo list models", "elbo list models beta_vae",
                                      "elbo list heads", "elbo list --markdown > docs/models.md"},
                                     declare_list});

}  // namespace
}  // namespace elbo

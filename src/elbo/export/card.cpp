#include "elbo/export/card.h"

#include <cstdio>

#include "elbo/data/row_view.h"
#include "elbo/model/keeps_rows.h"
#include "elbo/model/spec.h"

namespace elbo {
namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

std::string in_words(const Json& value) {
  if (value.is_number_float()) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value.get<double>());
    return text;
  }
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// A bar or a line break would end a cell.
std::string cell(std::string text) {
  for (size_t at = 0; (at = text.find_first_of("|\n", at)) != std::string::npos; at += 2) {
    text.replace(at, 1, text[at] == '|' ? "\\|" : "  ");
  }
  return text;
}

std::string table(const std::string& name, const std::string& value, const Rows& rows) {
  std::string text = "| " + name + " | " + value + " |\n| --- | --- |\n";
  for (const auto& [key, found] : rows) text += "| " + cell(key) + " | " + cell(found) + " |\n";
  return text;
}

/// Nested options as dotted names; lists of numbers as long as a dimension is wide are left out.
void flatten(const Json& j, const std::string& prefix, Rows& rows) {
  constexpr size_t kShort = 8;
  for (const auto& [key, value] : j.items()) {
    const auto name = prefix.empty() ? key : prefix + "." + key;
    if (value.is_object()) {
      flatten(value, name, rows);
    } else if (value.is_array() && !value.empty() && value[0].is_object()) {
      for (size_t i = 0; i < value.size(); ++i) {
        flatten(value[i], name + "." + value[i].value("name", std::to_string(i)), rows);
      }
    } else if (!value.is_array() || value.size() <= kShort) {
      rows.emplace_back(name, in_words(value));
    }
  }
}

Rows flat(const Json& j) {
  Rows rows;
  flatten(j, "", rows);
  return rows;
}

std::string about_model(const Run& run, const Model& model) {
  const auto name = run.facts().value("model", std::string("own"));
  std::string text;
  for (const auto& entry : zoo()) {
    if (entry.name == name) text = entry.about + ". " + entry.paper + "\n\n";
  }
  int64_t parameters = 0;
  for (const auto& p : model.parameters()) parameters += p.numel();
  auto rows = flat(run.spec());
  rows.insert(rows.begin(), {{"name", name}, {"parameters", std::to_string(parameters)}});
  return text + table("part", "value", rows);
}

std::string about_data(const Run& run) {
  const auto& facts = run.facts();
  const auto& x = run.schemas().x;
  Rows rows{{"source", run.data_name()},
            {"rows", in_words(facts.value("rows", Json()))},
            {"kind", to_string(x.kind)},
            {"shape of a row", to_string(x.shape)}};
  if (run.schemas().c.present()) rows.emplace_back("condition", to_string(run.schemas().c.shape));
  for (const auto& row : flat(facts["data"].value("options", Json::object()))) rows.push_back(row);
  return table("what", "value", rows);
}

/// The figures of an evaluation, and how they were found.
std::string about_numbers(const Run& run, Json evaluation) {
  Rows rows;
  if (run.has_weights()) rows = flat(run.weights_about());
  std::string text = "Of the weights stored in this run:\n\n" + table("figure", "value", rows);
  if (evaluation.is_null()) return text + "\nNo evaluation was given.\n";
  const Json protocol = evaluation.value("protocol", Json::object());
  const Json findings = evaluation.value("diagnosis", Json::array());
  for (const char* other : {"protocol", "diagnosis", "left_out"}) evaluation.erase(other);
  text += "\nFrom `elbo evaluate`:\n\n" + table("figure", "value", flat(evaluation)) +
          "\nHow they were measured:\n\n" + table("protocol", "value", flat(protocol));
  for (const auto& finding : findings)
    text += "\n- " + in_words(finding.value("says", Json())) + "\n";
  return text;
}

/// What rows of the model say about those it was trained on; empty for other data than tables.
std::string about_privacy(const Run& run, const Model& model, const Json& evaluation) {
  if (!TableView::shows(run.schemas().x)) return "";
  const Json figures =
      evaluation.is_object() ? evaluation.value("metrics", Json::object()) : Json();
  Json found = Json::object();
  for (const char* metric : {"table_dcr", "table_membership", "table_privacy"}) {
    if (!figures.contains(metric)) continue;
    found[metric] = figures[metric];
    for (const char* other : {"protocol", "charts"}) found[metric].erase(other);
  }
  std::string text = "\n## Privacy\n\n";
  text +=
      found.empty()
          ? "Not measured; `elbo evaluate RUN HELD_OUT --metrics table_dcr,table_membership` "
            "does.\n"
          : table("figure", "value", flat(found)) +
                "\n`distance_auc`, `likelihood_auc` and `nearer_to_train` are 0.5 where training "
                "rows cannot be told\nfrom others (areas within `chance` of it prove "
                "nothing), and 1 where all can.\n";
  const auto kept = rows_kept_in(model);
  if (kept > 0) {
    text += "\nThe weights hold " + std::to_string(kept) +
            " training rows: whoever gets the model gets these.\n";
  }
  return text +
         "\nNothing here is differentially private. `elbo sample -k 2` draws rows again that "
         "equal a training\nrow nobody else shares, and says how many.\n";
}

constexpr char kLimits[] =
    "- Densities are bounds: log p(x) is at least the negative of `negative_elbo`; an importance\n "
    " estimate is closer and, on average, still a lower bound.\n- The model describes rows of the "
    "kind above. Other rows get a density and a code, too;\n  `elbo score` shows how unlikely they "
    "are.\n- Samples repeat the shares, gaps and mistakes of the training rows, and may lie close "
    "to\n  single ones of them.\n- A direction in the latent space that goes with an attribute "
    "shows what occurs together, not\n  what causes what.\n";

constexpr char kOpen[] =
    "- Intended use and users: _to be filled in_\n- Uses that are out of scope: _to be filled "
    "in_\n- Where the data come from, who is in them, and under which licence: _to be filled "
    "in_\n- Licence of the model: _to be filled in_\n- Contact: _to be filled in_\n";

}  // namespace

std::string model_card(const Run& run, const Model& model, const Json& evaluation) {
  const auto title =
      run.path().filename().empty() ? run.path().parent_path().filename() : run.path().filename();
  return "# " + title.string() + "\n\n## Model\n\n" + about_model(run, model) + "\n## Data\n\n" +
         about_data(run) + "\n## Training\n\n" +
         table("option", "value", flat(run.facts().value("train", Json::object()))) +
         "\n## Numbers\n\n" + about_numbers(run, evaluation) +
         about_privacy(run, model, evaluation) + "\n## Limits\n\n" + kLimits +
         "\n## To be filled in\n\n" + kOpen;
}

}  // namespace elbo

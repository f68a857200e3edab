#include "elbo/tasks/report_comparison.h"

#include <cmath>
#include <map>
#include <set>

#include "elbo/tasks/chart.h"

namespace elbo {
namespace {

/// A figure of a run and its error; NaN = none.
struct Compared {
  double value = NAN, error = NAN;
};

Compared figure_of(const Reported& r, const std::string& key) {
  const auto number = [&](const std::string& name) {
    const auto value = r.figures.value(name, Json());
    return value.is_number() ? value.get<double>() : NAN;
  };
  return {number(key), number(key + "_standard_error")};
}

/// Where data and objective are one, the lowest figure is the best.
bool comparable(const std::vector<Reported>& runs, const std::function<Json(const Reported&)>& of) {
  std::set<std::string> found;
  for (const auto& r : runs) found.insert(of(r).dump());
  return found.size() == 1;
}

std::string figure_cell(const Compared& f, bool best) {
  if (!std::isfinite(f.value)) return "<td class=\"number\">–</td>";
  auto text = short_number(f.value);
  if (std::isfinite(f.error)) text += " ± " + short_number(f.error);
  return "<td class=\"number\">" + (best ? "<strong>" + text + "</strong> best" : text) + "</td>";
}

std::string name_cell(const std::string& name) {
  return "<th scope=\"row\" class=\"name\">" + html_escape(name) + "</th>";
}

std::string figures_table(const std::vector<Reported>& runs, bool one_data) {
  const std::vector<std::pair<std::string, std::string>> shown = {
      {"negative_log_likelihood", "−log p(x)"},
      {"negative_elbo", "−ELBO"},
      {"reconstruction", "reconstruction"},
      {"kl", "KL"}};
  std::map<std::string, double> lowest;
  for (size_t k = 0; k < 2; ++k) {
    for (const auto& r : runs) {
      const auto value = figure_of(r, shown[k].first).value;
      auto& least = lowest.emplace(shown[k].first, INFINITY).first->second;
      if (value < least) least = value;
    }
  }
  std::string html = "<div class=\"wide\"><table><tr><th>run</th>";
  for (const auto& [key, title] : shown) html += "<th class=\"number\">" + title + "</th>";
  html += "<th>model</th><th>findings</th></tr>";
  for (const auto& r : runs) {
    std::vector<std::string> names;
    for (const auto& f : r.findings) names.push_back(f.name);
    html += "<tr>" + name_cell(r.name);
    for (const auto& [key, title] : shown) {
      const auto figure = figure_of(r, key);
      const auto least = lowest.find(key);
      html +=
          figure_cell(figure, one_data && least != lowest.end() && figure.value == least->second);
    }
    html += "<td>" + html_escape(r.run->facts().value("model", "")) + "</td><td>" +
            (names.empty() ? "none" : html_escape(join(names))) + "</td></tr>";
  }
  return html + "</table></div><p class=\"soft\">Nats per row" +
         (one_data ? ", ± one standard error; the lowest is the best.</p>"
                   : ", ± one standard error. The runs have different data or preprocessing, so "
                     "their figures do not compare.</p>");
}

/// As --set and flags of training name it.
std::string shown_option(const std::string& name) {
  for (const std::string part : {"spec.", "train."}) {
    if (name.starts_with(part)) return name.substr(part.size());
  }
  return name;
}

/// Options of all runs by dotted name, where they differ.
std::string differences(const std::vector<Reported>& runs) {
  std::vector<std::map<std::string, std::string>> options;
  std::set<std::string> names;
  for (const auto& r : runs) {
    const auto& facts = r.run->facts();
    auto& own = options.emplace_back();
    for (const auto& [name, value] :
         dotted_options({{"model", facts.value("model", Json())},
                         {"spec", r.run->spec()},
                         {"train", facts["train"]},
                         {"data", facts["data"].value("source", "")}})) {
      const auto shown = shown_option(name);
      own[shown] = value;
      names.insert(shown);
    }
  }
  const auto value_of = [&](size_t run, const std::string& name) {
    const auto at = options[run].find(name);
    return at == options[run].end() ? "–" : at->second;
  };
  std::erase_if(names, [&](const std::string& name) {
    for (size_t k = 1; k < runs.size(); ++k) {
      if (value_of(k, name) != value_of(0, name)) return false;
    }
    return true;
  });
  if (names.empty()) return "<p class=\"soft\">No option differs.</p>";
  std::vector<std::string> across;
  for (const auto& r : runs) across.push_back(r.name);
  std::vector<std::string> down(names.begin(), names.end());
  // Whichever are fewer stand side by side.
  const bool runs_below = names.size() <= runs.size();
  if (runs_below) std::swap(across, down);
  std::string html = "<h3>Options that differ</h3><div class=\"wide\"><table><tr><th>";
  html += runs_below ? "run</th>" : "option</th>";
  for (const auto& name : across) html += "<th>" + html_escape(name) + "</th>";
  html += "</tr>";
  for (size_t i = 0; i < down.size(); ++i) {
    html += "<tr>" + name_cell(down[i]);
    for (size_t k = 0; k < across.size(); ++k) {
      html += "<td>" + html_escape(runs_below ? value_of(i, across[k]) : value_of(k, down[i])) +
              "</td>";
    }
    html += "</tr>";
  }
  return html + "</table></div>";
}

std::string losses(const std::vector<Reported>& runs, bool one_objective) {
  std::vector<Series> lines;
  for (size_t k = 0; k < runs.size(); ++k) {
    Series s{runs[k].name, {}, {}, static_cast<int64_t>(k % 10), false};
    for (const auto& line : runs[k].log) {
      const auto validation = line.value("validation", Json::object());
      if (!validation.contains("loss") || !validation["loss"].is_number()) continue;
      s.x.push_back(line.value("epoch", 0.0));
      s.y.push_back(validation["loss"]);
    }
    if (!s.x.empty()) lines.push_back(std::move(s));
  }
  if (lines.empty()) return "";
  return line_chart("Validation loss", "epoch", lines) +
         (one_objective ? ""
                        : "<p class=\"soft\">The objectives differ: their losses show how each "
                          "training went, not which run is better.</p>");
}

}  // namespace

std::string comparison_part(const std::vector<Reported>& runs) {
  const bool one_data = comparable(runs, [](const Reported& r) {
    const auto& data = r.run->facts()["data"];
    return Json{data.value("source", ""), data.value("options", Json()), r.rows_name};
  });
  const bool one_objective =
      comparable(runs, [](const Reported& r) { return r.run->spec().value("objective", Json()); });
  return figures_table(runs, one_data) + differences(runs) + losses(runs, one_objective);
}

}  // namespace elbo

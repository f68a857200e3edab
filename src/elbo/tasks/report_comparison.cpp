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

std::string figures_table(const std::vector<Reported>& runs, bool one_data) {
  const std::vector<std::pair<std::string, std::string>> shown = {
      {"negative_elbo", "−ELBO"},
      {"negative_log_likelihood", "−log p(x)"},
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
  std::string html = "<div class=\"wide\"><table><tr><th>run</th><th>model</th>";
  for (const auto& [key, title] : shown) html += "<th class=\"number\">" + title + "</th>";
  html += "<th>findings</th></tr>";
  for (const auto& r : runs) {
    std::vector<std::string> names;
    for (const auto& f : r.findings) names.push_back(f.name);
    html += "<tr><td>" + html_escape(r.name) + "</td><td>" +
            html_escape(r.run->facts().value("model", "")) + "</td>";
    for (const auto& [key, title] : shown) {
      const auto figure = figure_of(r, key);
      const auto least = lowest.find(key);
      html +=
          figure_cell(figure, one_data && least != lowest.end() && figure.value == least->second);
    }
    html += "<td>" + (names.empty() ? "none" : html_escape(join(names))) + "</td></tr>";
  }
  return html + "</table></div><p class=\"soft\">Nats per row" +
         (one_data ? ", ± one standard error; the lowest is the best.</p>"
                   : ", ± one standard error. The runs have different data or preprocessing, so "
                     "their figures do not compare.</p>");
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
      own[name] = value;
      names.insert(name);
    }
  }
  std::string rows;
  for (const auto& name : names) {
    std::set<std::string> values;
    for (const auto& own : options) values.insert(own.count(name) ? own.at(name) : "–");
    if (values.size() == 1) continue;
    rows += "<tr><th scope=\"row\">" + html_escape(name) + "</th>";
    for (const auto& own : options) {
      rows += "<td>" + html_escape(own.count(name) ? own.at(name) : "–") + "</td>";
    }
    rows += "</tr>";
  }
  if (rows.empty()) return "<p class=\"soft\">No option differs.</p>";
  std::string head = "<tr><th>option</th>";
  for (const auto& r : runs) head += "<th>" + html_escape(r.name) + "</th>";
  return "<h3>Options that differ</h3><div class=\"wide\"><table>" + head + "</tr>" + rows +
         "</table></div>";
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

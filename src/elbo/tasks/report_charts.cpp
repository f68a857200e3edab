#include "elbo/core/text.h"
#include "elbo/eval/chart.h"
#include "elbo/tasks/chart.h"
#include "elbo/tasks/report_parts.h"

namespace elbo {
namespace {

std::string bars_html(Chart chart, const std::vector<Series>& lines) {
  constexpr size_t kMostNames = 100;
  const size_t all = chart.names.size();
  if (all > kMostNames) chart.names.resize(kMostNames);
  const auto html = bar_chart(chart.title, chart.names, lines, chart.y);
  if (all <= kMostNames) return html;
  return html + "<p class=\"soft\">The first " + std::to_string(kMostNames) + " of " +
         std::to_string(all) + "; elbo evaluate --json has all.</p>";
}

std::string chart_html(const Chart& chart) {
  std::vector<Series> lines;
  for (const auto& line : chart.lines) {
    lines.push_back({line.name, line.x, line.y, static_cast<int64_t>(lines.size() % 10), false});
  }
  if (chart.form == Chart::Form::kBars) return bars_html(chart, lines);
  return line_chart(chart.title, chart.x, lines, true);
}

}  // namespace

std::string charts_part(const Reported& r) {
  std::string html;
  const Json measured = r.measured.value("metrics", Json::object());
  for (const auto& [name, figures] : measured.items()) {
    for (const auto& chart : figures.value("charts", Json::array())) {
      const auto drawn = chart_from_json(chart);
      // The title and the legend share a line, which has no room for the other axis.
      const auto unit = drawn.form == Chart::Form::kLines && !drawn.y.empty() ? ": " + drawn.y : "";
      html += "<div>" + chart_html(drawn) + "<p class=\"soft\">" +
              html_escape(spoken(name) + unit) + "</p></div>";
    }
  }
  return html.empty() ? html : "<div class=\"charts\">" + html + "</div>";
}

}  // namespace elbo

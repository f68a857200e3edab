#include "elbo/tasks/report.h"

#include "elbo/core/registry.h"
#include "elbo/eval/density.h"
#include "elbo/io/web.h"
#include "elbo/tasks/report_comparison.h"
#include "elbo/tasks/report_rows.h"
#include "elbo/train/kept.h"

namespace elbo {
namespace {

/// Figures and findings of the end of the training, where the data are not here.
void use_kept(Reported& r) {
  const auto kept = r.run->kept();
  if (!kept) r.run->lack_data();
  r.figures = kept->about.value("figures", Json::object());
  if (!r.figures.contains("protocol")) r.figures["protocol"] = Json::object();
  if (!r.figures.contains("sites")) r.figures["sites"] = Json::array();
  for (const auto& finding : kept->about.value("findings", Json::array())) {
    r.findings.push_back(finding_from_json(finding));
  }
}

Reported judge(const std::shared_ptr<const Run>& run, const ReportOptions& o,
               const std::function<void(double)>& progress) {
  Reported r;
  r.run = run;
  r.name = run->name();
  JudgeOptions options;
  options.judged = o.rows;
  options.seed = o.seed;
  const auto data = run->held_out(&r.rows_name);
  const std::shared_ptr<Model> model = run->load();
  const auto counted = counted_rows(data, Draw{static_cast<uint64_t>(o.seed), 0}.key("weights"));
  r.subject = std::make_shared<Subject>(model, run, counted, options);
  r.log = read_log(*run);
  if (!run->data_here()) {
    use_kept(r);
    return r;
  }
  EvaluateOptions density;
  density.rows = o.rows;
  density.draws = o.draws;
  density.seed = o.seed;
  r.figures = evaluate_density(*model, *data, density, progress);
  r.figures["protocol"]["data"] = run->data_name();
  r.figures["protocol"]["split"] = r.rows_name;
  if (o.metrics != "none") r.measured = measure(*r.subject, o.metrics, progress);
  r.findings = diagnose(*r.subject, r.log);
  return r;
}

using Part = std::function<std::string(Reported&, int64_t side)>;
struct Section {
  const char *id, *title;
  Part part;
};
const std::vector<Section>& sections() {
  const auto plain = [](std::string (*f)(const Reported&)) {
    return [f](Reported& r, int64_t) { return f(r); };
  };
  const auto rows = [](std::string (RowSections::*section)()) -> Part {
    return [section](Reported& r, int64_t side) { return (*row_sections(r, side).*section)(); };
  };
  const auto walks = [rows](Reported& r, int64_t side) {
    return r.subject->size() < 2 ? "" : rows(&RowSections::interpolations)(r, side);
  };
  // What is decoded from codes says nothing of data.
  const auto of_rows = [](Part part) -> Part {
    return [part](Reported& r, int64_t side) {
      return r.run->has_rows()
                 ? part(r, side)
                 : "<p class=\"soft\">The data are not on the machine that wrote this "
                   "report, and the run keeps none of their rows.</p>";
    };
  };
  static const std::vector<Section> list = {
      {"summary", "In short", plain(summary_part)},
      {"samples", "Samples from the prior", rows(&RowSections::samples)},
      {"reconstructions", "Reconstructions", of_rows(rows(&RowSections::reconstructions))},
      {"diagnosis", "Diagnosis", plain(diagnosis_part)},
      {"columns", "Columns", rows(&RowSections::columns)},
      {"figures", "Figures", plain(figures_part)},
      {"charts", "Charts of the metrics", plain(charts_part)},
      {"curves", "Training", plain(curves_part)},
      {"traversals", "What the most used dimensions change", rows(&RowSections::traversals)},
      {"interpolations", "Walks between rows", walks},
      {"map", "Map of codes", [](Reported& r, int64_t) { return map_part(r); }},
      {"dimensions", "Use of the latent dimensions", plain(dimensions_part)},
      {"scores", "Scores of rows", of_rows([](Reported& r, int64_t) { return scores_part(r); })},
      {"model", "What the model is", plain(model_part)}};
  return list;
}

std::string section_html(const Section& section, std::vector<Reported>& runs, int64_t side) {
  std::string columns;
  bool any = false;
  for (auto& r : runs) {
    std::string part;
    try {
      part = section.part(r, side);
    } catch (const Error& error) {
      part = "<p class=\"soft\">" + html_escape(error.what()) + "</p>";
    }
    any = any || !part.empty();
    if (runs.size() > 1) part = "<h3>" + html_escape(r.name) + "</h3>" + part;
    columns += "<div>" + part + "</div>";
  }
  if (!any) return "";
  return "<section id=\"" + std::string(section.id) + "\"><h2>" + section.title + "</h2>" +
         (runs.size() > 1 ? "<div class=\"runs\">" + columns + "</div>" : columns) + "</section>\n";
}

/// How the model of a run is explored; where its server shows the report, the script makes a link
/// of it.
std::string explorer_line(const std::vector<Reported>& runs) {
  if (runs.size() != 1) return "";
  const auto path = runs[0].run->path();
  return "<p class=\"soft\" id=\"explorer\">To explore its codes: <code>elbo serve " +
         html_escape((path.is_absolute() ? path.filename() : path).string()) + "</code></p>";
}

std::string page(std::vector<Reported>& runs, int64_t side) {
  std::vector<std::string> names;
  for (const auto& r : runs) names.push_back(r.name);
  constexpr size_t kNamed = 3;
  const auto title = runs.size() > kNamed
                         ? "elbo: " + std::to_string(runs.size()) + " runs"
                         : (runs.size() > 1 ? "elbo: " : "elbo: run ") + join(names, " · ");
  std::string body, links;
  if (runs.size() > 1) {
    body +=
        "<section id=\"comparison\"><h2>Side by side</h2>" + comparison_part(runs) + "</section>\n";
    links += "<a href=\"#comparison\">Side by side</a>";
  }
  for (const auto& section : sections()) {
    const auto html = section_html(section, runs, side);
    if (html.empty()) continue;
    body += html;
    links += "<a href=\"#" + std::string(section.id) + "\">" + section.title + "</a> ";
  }
  // The policy forbids every request: what the page needs is in it.
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src "
         "data:; "
         "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">"
         "<link rel=\"icon\" href=\"data:,\">"
         "<title>" +
         html_escape(title) + "</title><style>" + web_file("palette.css") +
         web_file("report_style.css") + "</style></head><body><header><h1>" + html_escape(title) +
         "</h1>" + explorer_line(runs) + "</header><nav aria-label=\"Sections\">" + links +
         "</nav>\n<main>" + body +
         "</main><footer class=\"soft\"><p>Values appear under the pointer. A chart that was "
         "clicked "
         "zooms with the wheel or + and −, moves with the mouse or arrow keys, and returns with "
         "0.</p></footer><script>" +
         web_file("report_script.js") + "</script></body></html>\n";
}

}  // namespace

std::string report_page(const std::vector<std::shared_ptr<const Run>>& runs,
                        const ReportOptions& options, const std::function<void(double)>& progress) {
  check(!runs.empty(), "[report] no run");
  check_metrics(options.metrics);
  torch::NoGradGuard no_gradient;
  RandomScope scope(static_cast<uint64_t>(options.seed));
  std::vector<Reported> judged;
  for (const auto& run : runs) {
    const double done = static_cast<double>(judged.size()), all = static_cast<double>(runs.size());
    judged.push_back(
        judge(run, options, [&](double share) { progress((done + share) / all * 0.9); }));
  }
  std::string html;
  for (int64_t side = 96; side >= 12; side = side * 2 / 3) {
    html = page(judged, side);
    if (html.size() <= kMostPage) return html;
  }
  fail("[report] the page has ", html.size(), " bytes, at most ", kMostPage,
       " are allowed; report fewer runs, or --rows fewer");
}

}  // namespace elbo

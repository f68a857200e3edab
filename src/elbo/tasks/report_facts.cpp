#include <cmath>
#include <map>
#include <set>

#include "elbo/core/text.h"
#include "elbo/data/source.h"
#include "elbo/data/table.h"
#include "elbo/eval/embedding.h"
#include "elbo/tasks/chart.h"
#include "elbo/tasks/report_parts.h"

namespace elbo {
namespace {

/// Nested options as dotted names with their values.
void flatten(const Json& j, const std::string& prefix,
             std::vector<std::pair<std::string, std::string>>& rows) {
  for (const auto& [key, value] : j.items()) {
    const auto name = prefix.empty() ? key : prefix + "." + key;
    if (value.is_object()) {
      flatten(value, name, rows);
    } else {
      rows.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
}

std::string folded(const std::string& summary, const std::string& html) {
  return "<details><summary>" + html_escape(summary) + "</summary>" + html + "</details>";
}

int64_t parameter_count(const Reported& r) {
  int64_t count = 0;
  for (const auto& p : r.subject->model().parameters()) count += p.numel();
  return count;
}

/// Where the rows of this report come from.
std::string shown_rows(const Reported& r) {
  if (r.run->data_here()) return r.rows_name + " rows";
  return r.rows_name == "kept"
             ? "held-out rows that the run keeps"
             : "rows decoded from the codes of held-out rows; the data are not here";
}

std::string text_of(const Json& value) {
  if (value.is_number()) return short_number(value.get<double>());
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// "3 s", "12 min", "2 h 5 min".
std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  constexpr int64_t kMinute = 60, kHour = 3600;
  if (whole < 2 * kMinute) return std::to_string(whole) + " s";
  if (whole < 2 * kHour) return std::to_string(whole / kMinute) + " min";
  return std::to_string(whole / kHour) + " h " + std::to_string(whole % kHour / kMinute) + " min";
}

}  // namespace

std::vector<std::pair<std::string, std::string>> dotted_options(const Json& options) {
  std::vector<std::pair<std::string, std::string>> rows;
  flatten(options, "", rows);
  return rows;
}

std::string summary_part(const Reported& r) {
  const auto& facts = r.run->facts();
  std::string html;
  for (const auto& [key, title] :
       {std::pair<const char*, const char*>{"negative_log_likelihood", "−log p(x)"},
        {"negative_elbo", "−ELBO"}}) {
    const auto value = r.figures.value(key, Json());
    if (!value.is_number()) continue;
    const auto error = r.figures.value(std::string(key) + "_standard_error", Json());
    html = "<p class=\"big\">" + short_number(value.get<double>()) +
           (error.is_number() ? " ± " + short_number(error.get<double>()) : "") +
           " <span class=\"soft\">nats per row, " + title + " of " + html_escape(shown_rows(r)) +
           "</span></p>";
    break;
  }
  std::vector<std::string> said = {facts.value("model", std::string()) + " trained on " +
                                   shown_source(r.run->data_name()) + ", " +
                                   facts.value("rows", Json()).dump() + " rows"};
  const auto training = facts.value("training", Json::object());
  if (training.contains("began")) said.push_back(training["began"].get<std::string>());
  if (training.contains("seconds")) {
    said.push_back(duration_text(training["seconds"].get<double>()));
  }
  if (training.contains("processor")) said.push_back(training["processor"].get<std::string>());
  if (facts.contains("elbo")) said.push_back("elbo " + facts.value("elbo", std::string()));
  return html + "<p>" + html_escape(join(said, " · ")) + "</p>";
}

std::string pair_table(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::string html = "<table>";
  for (const auto& [name, value] : rows) {
    html += "<tr><th scope=\"row\">" + html_escape(name) + "</th><td>" + html_escape(value) +
            "</td></tr>";
  }
  return html + "</table>";
}

std::string model_part(const Reported& r) {
  const auto& facts = r.run->facts();
  const auto name = facts.value("model", std::string());
  std::string about;
  for (const auto& entry : zoo()) {
    if (entry.name != name) continue;
    about = "<p>" + html_escape(entry.about) + ".";
    if (!entry.paper.empty())
      about += " <span class=\"soft\">" + html_escape(entry.paper) + "</span>";
    about += "</p>";
  }
  const auto& x = r.run->schemas().x;
  const auto weight = weight_column(x);
  std::vector<std::pair<std::string, std::string>> spec, train;
  flatten(r.run->spec(), "", spec);
  flatten(facts["train"], "", train);
  return about +
         pair_table({{"model", name},
                     {"data", shown_source(r.run->data_name())},
                     {"rows", facts.value("rows", Json()).dump() +
                                  (weight.empty() ? "" : ", weighed by column " + weight)},
                     {"shown here", shown_rows(r)},
                     {"a row", to_string(x.shape) + " " + to_string(x.kind)},
                     {"latent values", std::to_string(r.subject->layout().size)},
                     {"parameters", std::to_string(parameter_count(r))}}) +
         folded("The whole declaration", pair_table(spec)) +
         folded("How it was trained", pair_table(train));
}

std::string figures_part(const Reported& r) {
  const auto& f = r.figures;
  std::vector<std::pair<std::string, std::string>> rows, protocol;
  const auto add = [&](const char* key, const char* title) {
    if (!f.contains(key)) return;
    auto text = short_number(f[key].get<double>());
    const auto error = std::string(key) + "_standard_error";
    if (f.contains(error)) text += " ± " + short_number(f[error].get<double>());
    rows.emplace_back(title, text);
  };
  add("negative_elbo", "−ELBO, nats per row");
  add("reconstruction", "reconstruction, nats");
  add("kl", "KL, nats");
  add("negative_log_likelihood", "−log p(x), nats per row");
  add("bits_per_dimension", "bits per dimension");
  const Json measured = r.measured.value("metrics", Json::object());
  for (const auto& [name, figures] : measured.items()) {
    for (const auto& [figure, value] : figures.items()) {
      if (value.is_number()) rows.emplace_back(name + ": " + spoken(figure), text_of(value));
    }
  }
  flatten(f["protocol"], "", protocol);
  return pair_table(rows) + folded("Protocol", pair_table(protocol));
}

std::string diagnosis_part(const Reported& r) {
  if (r.findings.empty()) {
    return "<p class=\"healthy\">No problems found in codes, reconstructions, samples or "
           "training curves.</p>";
  }
  std::string html;
  for (const auto& f : r.findings) {
    html += "<div class=\"finding\"><strong>" + html_escape(spoken(f.name)) + "</strong><p>" +
            html_escape(f.says) + ".</p><p class=\"soft\">" + html_escape(f.figure) + ": " +
            short_number(f.value) + ", threshold " + short_number(f.threshold) +
            "</p><p>Try <code>" + html_escape(f.cure) + "</code></p></div>";
  }
  return html;
}

std::string curves_part(const Reported& r) {
  // Lines within an epoch, or of one alone, are told apart by their steps.
  std::set<double> epochs;
  for (const auto& line : r.log) epochs.insert(line.value("epoch", 0.0));
  const bool by_step = epochs.size() < r.log.size() && !r.log.empty() && r.log[0].contains("step");
  const char* axis = by_step ? "step" : "epoch";
  // Terms in the order of the log; training in full, validation dashed.
  std::vector<std::string> order;
  std::map<std::string, std::vector<Series>> terms;
  for (const auto& line : r.log) {
    for (const auto& [part, index] :
         {std::pair<const char*, size_t>{"train", 0}, {"validation", 1}}) {
      const Json values = line.value(part, Json::object());
      for (const auto& [name, value] : values.items()) {
        if (!value.is_number()) continue;
        auto& series = terms[name];
        if (series.empty()) {
          order.push_back(name);
          series = {{"train", {}, {}, 0, false}, {"validation", {}, {}, 1, true}};
        }
        series[index].x.push_back(line.value(axis, 0.0));
        series[index].y.push_back(value);
      }
    }
  }
  std::stable_partition(order.begin(), order.end(),
                        [](const auto& name) { return name == "loss"; });
  std::string html;
  for (const auto& name : order) {
    auto series = terms[name];
    std::erase_if(series, [](const Series& s) { return s.x.empty(); });
    html += "<div>" + line_chart(spoken(name), axis, series) + "</div>";
  }
  return html.empty() ? html : "<div class=\"charts\">" + html + "</div>";
}

std::string dimensions_part(const Reported& r) {
  std::string html;
  for (const auto& site : r.figures["sites"]) {
    if (!site.contains("kl")) continue;
    const auto kl = site["kl"].get<std::vector<double>>();
    constexpr size_t kMostBars = 256;
    std::vector<std::string> names;
    for (size_t i = 0; i < std::min(kl.size(), kMostBars); ++i) {
      names.push_back(place_name(site["name"], static_cast<int64_t>(i)));
    }
    const std::vector<double> shown(kl.begin(),
                                    kl.begin() + static_cast<std::ptrdiff_t>(names.size()));
    html += "<div>" +
            bar_chart("KL of each dimension of " + site["name"].get<std::string>(), names, shown,
                      "nats") +
            "<p class=\"soft\">" + site["active_units"].dump() + " of " +
            site["dimensions"].dump() + " dimensions depend on the data.</p></div>";
  }
  return html.empty() ? html : "<div class=\"charts\">" + html + "</div>";
}

std::string scores_part(Reported& r) {
  auto& s = *r.subject;
  std::vector<Tensor> scores;
  const int64_t block = block_rows(s.schemas());
  for (int64_t from = 0; from < s.size(); from += block) {
    const auto here = slice(s.batch(), from, std::min(s.size(), from + block));
    const auto inference = s.model().infer(here, 1);
    const auto bound = log_likelihood(inference, here) - kl(inference.trace, here.size());
    scores.push_back(-(inference.trace.log_weight.exp() * bound).sum(0));
  }
  return histogram("−ELBO of " + std::to_string(s.size()) + " " + r.rows_name + " rows, nats",
                   {"rows"}, {torch::cat(scores)});
}

std::string map_part(Reported& r) {
  constexpr int64_t kMostMapped = 600;
  auto& s = *r.subject;
  const int64_t n = std::min(kMostMapped, s.size());
  // Numbers of a codebook have no distances: what they decode to has.
  const bool whole = s.layout().size > 0 && s.layout().whole().all().item<bool>();
  const auto codes = whole ? s.reconstructions().narrow(0, 0, n).flatten(1).to(torch::kFloat32)
                           : s.codes().mean.narrow(0, 0, n);
  const std::string what = whole ? "Reconstructions" : "Codes";
  const bool labelled = s.has_labels();
  const auto y = labelled ? s.batch().y.narrow(0, 0, n) : Tensor();
  const auto classes = class_names(s.schemas().y);
  std::string html = "<div class=\"charts\"><div>" +
                     scatter(what + ", principal components", principal_map(codes), y, classes) +
                     "</div>";
  if (n >= 10 && codes.size(1) > 2) {
    html += "<div>" + scatter(what + ", t-SNE", neighbour_map(codes), y, classes) + "</div>";
    html += "<div>" + scatter(what + ", UMAP", fuzzy_map(codes), y, classes) + "</div>";
  }
  return html + "</div>";
}

}  // namespace elbo

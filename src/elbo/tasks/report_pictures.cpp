#include <cmath>

#include "elbo/data/column.h"
#include "elbo/data/molecules.h"
#include "elbo/data/tokenizer.h"
#include "elbo/io/base64.h"
#include "elbo/io/image.h"
#include "elbo/tasks/chart.h"
#include "elbo/tasks/output.h"
#include "elbo/tasks/report_molecules.h"
#include "elbo/tasks/report_parts.h"
#include "elbo/tasks/report_texts.h"
#include "elbo/tasks/walks.h"

namespace elbo {
namespace {

constexpr int64_t kSampleTiles = 64, kPairs = 16, kLines = 8, kSteps = 11, kWalks = 4;

/// Pictures [n, C, H, W] as a figure; larger than `side` they are averaged down.
std::string grid_figure(const Tensor& x, const Schema& schema, int64_t columns, int64_t side,
                        const std::string& alt, const std::string& caption) {
  auto tiles = x;
  const int64_t longest = std::max(x.size(2), x.size(3));
  if (longest > side) {
    const auto scaled = [&](int64_t v) { return std::max<int64_t>(1, v * side / longest); };
    tiles = torch::adaptive_avg_pool2d(x, {scaled(x.size(2)), scaled(x.size(3))});
  }
  const auto png = encode_png(picture_grid(tiles, schema, columns));
  return "<figure><img alt=\"" + html_escape(alt) + "\" src=\"data:image/png;base64," +
         base64(png) + "\"><figcaption>" + html_escape(caption) + "</figcaption></figure>";
}

std::vector<std::string> shown_names(const Schema& schema, int64_t width) {
  auto names = column_names(schema);
  names.resize(static_cast<size_t>(width));
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) names[i] = "x" + std::to_string(i);
  }
  return names;
}

/// [d, d]; a constant column has no correlation.
Tensor correlations(const Tensor& x) {
  const auto centered = x.to(torch::kFloat64) - x.to(torch::kFloat64).mean(0);
  const auto scaled = centered / centered.norm(2, 0, true).clamp_min(1e-12);
  return scaled.t().mm(scaled);
}

/// Rows without a hole.
Tensor complete(const Tensor& x) {
  const auto flat = x.flatten(1);
  return flat.index_select(0, torch::nonzero(flat.isfinite().all(1)).flatten());
}

/// The values of a column that are known.
Tensor present(const Tensor& column) {
  return column.index_select(0, torch::nonzero(column.isfinite()).flatten());
}

/// Numbers instead of pictures: each column's values in data and samples, and correlations.
std::string table_part(Reported& r) {
  constexpr int64_t kMostColumns = 24, kMostCells = 40;
  const auto seen = observed(r.subject->batch()).flatten(1);
  const auto data = complete(seen), made = complete(r.subject->samples());
  if (data.size(0) < 2 || made.size(0) < 2) return "";
  const auto names = shown_names(r.subject->schemas().x, data.size(1));
  std::string html = "<div class=\"charts\">";
  for (int64_t i = 0; i < std::min(kMostColumns, data.size(1)); ++i) {
    html += "<div>" +
            histogram(names[static_cast<size_t>(i)], {"data", "samples"},
                      {present(seen.select(1, i)), made.select(1, i)}) +
            "</div>";
  }
  html += "</div>";
  if (data.size(1) < 2) return html;
  const int64_t k = std::min(kMostCells, data.size(1));
  return html + "<div class=\"charts\"><div>" +
         heat_map("Correlations in the data", names, correlations(data.narrow(1, 0, k))) +
         "</div><div>" +
         heat_map("Correlations in samples", names, correlations(made.narrow(1, 0, k))) +
         "</div></div>";
}

/// Means of p(x | codes), conditions of `row` repeated.
Tensor decoded(Subject& s, const Tensor& codes, int64_t row) {
  auto c = s.batch().c;
  if (c.defined()) c = c.narrow(0, row, 1).expand(with_rows(codes.size(0), s.schemas().c.shape));
  return decode_codes(s.model(), s.layout(), codes, c)->mean();
}

bool pictures(const Reported& r) { return is_picture(r.subject->schemas().x); }
bool molecules(const Reported& r) { return is_molecules(r.subject->schemas().x); }
bool texts(const Reported& r) { return is_text(r.subject->schemas().x); }

}  // namespace

std::string samples_part(Reported& r, int64_t side) {
  auto& s = *r.subject;
  if (molecules(r)) {
    constexpr int64_t kMolecules = 24, kAcross = 4;
    return molecule_figure(s.samples().slice(0, 0, kMolecules), s.schemas().x, kAcross,
                           "Draws of p(x|z) for draws of z.");
  }
  if (texts(r)) {
    constexpr int64_t kTexts = 16;
    return text_figure({s.samples().slice(0, 0, kTexts)}, s.schemas().x,
                       "Draws of p(x|z) for draws of z.");
  }
  if (!pictures(r)) return table_part(r);
  torch::NoGradGuard no_gradient;
  RandomScope scope(static_cast<uint64_t>(s.options().seed) + 2);
  const int64_t n = std::min(kSampleTiles, s.size());
  const auto c = s.batch().c.defined() ? s.batch().c.narrow(0, 0, n) : Tensor();
  const auto x = s.model().generate(n, c).x->mean();
  return grid_figure(x, s.schemas().x, 16, side,
                     std::to_string(n) + " pictures that the model drew from its prior",
                     "Means of p(x|z) for " + std::to_string(n) + " draws of z.");
}

std::string reconstructions_part(Reported& r, int64_t side) {
  auto& s = *r.subject;
  const int64_t n = std::min(kPairs, s.size());
  if (molecules(r)) {
    constexpr int64_t kMolecules = 12, kAcross = 4;
    const auto pairs = torch::stack({s.batch().x, s.reconstructions()}, 1).flatten(0, 1);
    return molecule_figure(
        pairs.slice(0, 0, 2 * kMolecules), s.schemas().x, kAcross,
        "Pairs: a molecule of the data, and the one decoded from its posterior mean.");
  }
  if (texts(r)) {
    return text_figure({s.batch().x.slice(0, 0, n), s.reconstructions().slice(0, 0, n)},
                       s.schemas().x, "Data, and what is decoded from their posterior means.");
  }
  if (!pictures(r)) {
    const auto data = observed(s.batch()).flatten(1).to(torch::kFloat64);
    const auto error = (data - s.reconstructions().flatten(1)).square().nanmean(0).sqrt();
    const auto spread = (data - data.nanmean(0)).square().nanmean(0).sqrt();
    const auto names = shown_names(s.schemas().x, data.size(1));
    std::vector<std::pair<std::string, std::string>> rows;
    for (int64_t i = 0; i < std::min<int64_t>(40, data.size(1)); ++i) {
      rows.emplace_back(names[static_cast<size_t>(i)], short_number(error[i].item<double>()) +
                                                           " of a deviation of " +
                                                           short_number(spread[i].item<double>()));
    }
    return "<p>Root mean squared error of each column.</p>" + pair_table(rows);
  }
  const auto both = torch::cat({s.batch().x.narrow(0, 0, n), s.reconstructions().narrow(0, 0, n)});
  return grid_figure(both, s.schemas().x, n, side,
                     "Upper row: " + std::to_string(n) + " pictures of the " + r.rows_name +
                         " data; lower row: their reconstructions",
                     "Above: data. Below: their reconstructions.");
}

std::string traversals_part(Reported& r, int64_t side) {
  auto& s = *r.subject;
  if (!pictures(r)) return "";
  torch::NoGradGuard no_gradient;
  RandomScope scope(static_cast<uint64_t>(s.options().seed));
  const auto t = traversal(s.layout(), s.codes().mean, 0, kLines, kSteps, 2.5);
  std::vector<Tensor> lines;
  std::vector<std::string> names;
  const auto all = s.layout().mean_names();
  for (size_t i = 0; i < t.dimensions.size(); ++i) {
    const auto from = static_cast<int64_t>(i) * kSteps;
    lines.push_back(decoded(s, t.codes.narrow(0, from, kSteps), 0));
    names.push_back(all[static_cast<size_t>(t.dimensions[i])]);
  }
  return grid_figure(
      torch::cat(lines), s.schemas().x, kSteps, side,
      "Rows of pictures in which one latent dimension changes: " + join(names),
      "From top: " + join(names) +
          "; from left to right −2.5 to 2.5 deviations around the data's mean code.");
}

std::string interpolations_part(Reported& r, int64_t side) {
  auto& s = *r.subject;
  if ((!pictures(r) && !molecules(r) && !texts(r)) || s.size() < 2) return "";
  torch::NoGradGuard no_gradient;
  RandomScope scope(static_cast<uint64_t>(s.options().seed));
  std::vector<Tensor> lines;
  const auto& means = s.codes().mean;
  if (molecules(r)) {
    constexpr int64_t kPlaces = 8, kAcross = 4;
    const auto way = decoded(s, walk(s.layout(), means[0], means[1], kPlaces), 0);
    return molecule_figure(way, s.schemas().x, kAcross,
                           "Line by line from the code of one row to that of the next.");
  }
  if (texts(r)) {
    const auto way = decoded(s, walk(s.layout(), means[0], means[1], kSteps), 0);
    return text_figure({way}, s.schemas().x, "From the code of one row to that of the next.");
  }
  for (int64_t k = 0; k < std::min(kWalks, s.size() / 2); ++k) {
    lines.push_back(decoded(s, walk(s.layout(), means[2 * k], means[2 * k + 1], kSteps), 2 * k));
  }
  return grid_figure(
      torch::cat(lines), s.schemas().x, kSteps, side,
      std::to_string(lines.size()) + " rows of pictures, each a walk between two codes",
      "Each line goes straight from the code of one row to that of the next.");
}

}  // namespace elbo

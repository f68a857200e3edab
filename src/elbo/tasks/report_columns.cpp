#include <cmath>

#include "elbo/tasks/chart.h"
#include "elbo/tasks/report_rows.h"

namespace elbo {
namespace {

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

class ColumnSections : public RowSections {
 public:
  ColumnSections(Reported& r, std::vector<std::string> names)
      : RowSections(r), names_(std::move(names)) {
    names_.resize(static_cast<size_t>(numel(s_.schemas().x.shape)));
    for (size_t i = 0; i < names_.size(); ++i) {
      if (names_[i].empty()) names_[i] = "x" + std::to_string(i);
    }
  }

  /// Each column's values in data and samples, and their correlations.
  std::string samples() override {
    constexpr int64_t kMostColumns = 24, kMostCells = 40;
    const auto seen = observed(s_.batch()).flatten(1);
    const auto data = complete(seen), made = complete(s_.samples());
    if (data.size(0) < 2 || made.size(0) < 2) return "";
    std::string html = "<div class=\"charts\">";
    for (int64_t i = 0; i < std::min(kMostColumns, data.size(1)); ++i) {
      html += "<div>" +
              histogram(names_[static_cast<size_t>(i)], {"data", "samples"},
                        {present(seen.select(1, i)), made.select(1, i)}) +
              "</div>";
    }
    html += "</div>";
    if (data.size(1) < 2) return html;
    const int64_t k = std::min(kMostCells, data.size(1));
    return html + "<div class=\"charts\"><div>" +
           heat_map("Correlations in the data", names_, correlations(data.narrow(1, 0, k))) +
           "</div><div>" +
           heat_map("Correlations in samples", names_, correlations(made.narrow(1, 0, k))) +
           "</div></div>";
  }

  std::string reconstructions() override {
    constexpr int64_t kMostColumns = 40;
    const auto data = observed(s_.batch()).flatten(1).to(torch::kFloat64);
    const auto error = (data - s_.reconstructions().flatten(1)).square().nanmean(0).sqrt();
    const auto spread = (data - data.nanmean(0)).square().nanmean(0).sqrt();
    std::vector<std::pair<std::string, std::string>> rows;
    for (int64_t i = 0; i < std::min(kMostColumns, data.size(1)); ++i) {
      rows.emplace_back(names_[static_cast<size_t>(i)], short_number(error[i].item<double>()) +
                                                            " of a deviation of " +
                                                            short_number(spread[i].item<double>()));
    }
    return "<p>Root mean squared error of each column.</p>" + pair_table(rows);
  }

 private:
  std::vector<std::string> names_;  // of all numbers of a row
};

}  // namespace

std::unique_ptr<RowSections> sections_of(Reported& r, const std::vector<std::string>& names) {
  return std::make_unique<ColumnSections>(r, names);
}

}  // namespace elbo

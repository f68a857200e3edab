#include <algorithm>
#include <cmath>

#include "elbo/eval/table_comparison.h"
#include "elbo/tasks/chart.h"
#include "elbo/tasks/comparison.h"
#include "elbo/tasks/report_rows.h"

namespace elbo {
namespace {

constexpr int64_t kMostCharts = 24, kMostListed = 60;

/// [D] values of one column that are known.
Tensor known_values(const Tensor& x, int64_t column) {
  const auto values = x.select(1, column).to(torch::kFloat64);
  return values.masked_select(values.isfinite());
}

/// A few classes, or the range, in the column's own spelling.
std::string examples(const Cells& cells) {
  const auto& column = cells.column();
  if (column.numeric()) {
    return cells.text(column.low - column.origin) + " to " +
           cells.text(column.high - column.origin);
  }
  constexpr size_t kShown = 5;
  const auto& all = column.classes;
  const std::vector<std::string> some(
      all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, all.size())));
  return join(some) + (all.size() > kShown ? ", … (" + std::to_string(all.size()) + ")" : "");
}

std::string table_row(const std::vector<std::string>& cells, const char* tag) {
  std::string html = "<tr>";
  for (const auto& cell : cells) {
    html += std::string("<") + tag + ">" + html_escape(cell) + "</" + tag + ">";
  }
  return html + "</tr>";
}

class TableSections : public RowSections {
 public:
  TableSections(Reported& r, const TableView& view) : RowSections(r), cells_(view.cells()) {
    for (const auto& cells : cells_) columns_.push_back(cells.column());
  }

  /// What the columns are.
  std::string columns() override {
    if (!r_.run->has_rows()) return "";
    const auto data = observed(s_.batch()).flatten(1);
    std::string html =
        "<div class=\"wide\"><table>" + table_row({"column", "type", "missing", "values"}, "th");
    for (int64_t i = 0; i < std::min(kMostListed, width()); ++i) {
      const double missing = 1 - static_cast<double>(known_values(data, i).numel()) /
                                     static_cast<double>(data.size(0));
      html += table_row(
          {columns_[place(i)].name, columns_[place(i)].type,
           short_number(std::round(1000 * missing) / 10) + " %", examples(cells_[place(i)])},
          "td");
    }
    return html + "</table></div>" + more(kMostListed);
  }

  /// Each column's values in data and samples, and how columns go together.
  std::string samples() override {
    const auto data = observed(s_.batch()).flatten(1), made = s_.samples().flatten(1);
    std::string html = "<div class=\"charts\">";
    for (int64_t i = 0; i < std::min(kMostCharts, width()); ++i) {
      const auto a = known_values(data, i), b = known_values(made, i);
      if (a.numel() > 0 && b.numel() > 0) html += "<div>" + chart(i, a, b) + "</div>";
    }
    html += "</div>" + more(kMostCharts);
    if (width() < 2) return html;
    const int64_t k = std::min(kMostCharts, width());
    const std::vector<Column> first(columns_.begin(), columns_.begin() + k);
    std::vector<std::string> names;
    for (const auto& column : first) names.push_back(column.name);
    const auto map = [&](const std::string& title, const Tensor& x) {
      return "<div>" + heat_map(title, names, associations(x.narrow(1, 0, k), first)) + "</div>";
    };
    return html + "<div class=\"charts\">" + map("Associations in the data", data) +
           map("Associations in samples", made) +
           "</div><p class=\"soft\">Correlation of two numbers, correlation ratio of a number and "
           "classes, Cramér's V of classes.</p>";
  }

  /// How far columns are off, each in its own measure.
  std::string reconstructions() override {
    const auto errors = make_comparison(s_.schemas().x);
    const auto codes = decode_codes(s_.model(), s_.layout(), s_.codes().mean, s_.batch().c);
    errors->add(s_.batch(), one_value(*codes, s_.schemas().x));
    std::string html =
        "<div class=\"wide\"><table>" + table_row({"column", "error", "measure"}, "th");
    int64_t listed = 0;
    const Json figures = errors->figures();
    for (const auto& line : figures["columns"]) {
      if (listed++ == kMostListed) break;
      html += table_row({line["name"].get<std::string>(), short_number(line["error"].get<double>()),
                         line["measure"].get<std::string>()},
                        "td");
    }
    return html + "</table></div>" + more(kMostListed);
  }

 private:
  int64_t width() const { return static_cast<int64_t>(columns_.size()); }
  static size_t place(int64_t i) { return static_cast<size_t>(i); }
  std::string more(int64_t shown) const {
    return width() <= shown ? ""
                            : "<p class=\"soft\">The first " + std::to_string(shown) + " of " +
                                  std::to_string(width()) + " columns.</p>";
  }

  std::string chart(int64_t i, const Tensor& data, const Tensor& made) const {
    const auto& column = columns_[place(i)];
    if (!column.numeric()) return class_chart(column, data, made);
    HistogramLook look;
    if (column.type == "date") {
      look.tick = [cells = &cells_[place(i)]](double v) {
        return cells->true_text(v).substr(0, 10);
      };
      look.ticks = 3;
    } else if (column.origin != 0) {
      look.tick = [origin = column.origin](double v) { return short_number(v + origin); };
    }
    look.whole = column.type == "count";
    return histogram(column.name, {"data", "samples"}, {data, made}, look);
  }

  /// Shares of the most frequent classes, by name.
  static std::string class_chart(const Column& column, const Tensor& data, const Tensor& made) {
    constexpr int64_t kMostClasses = 12;
    const auto count = static_cast<int64_t>(column.classes.size());
    const auto shares = [&](const Tensor& x) {
      const auto counts =
          torch::bincount(x.round().clamp(0, count - 1).to(torch::kInt64), {}, count);
      return (counts.to(torch::kFloat64) / static_cast<double>(x.numel())).contiguous();
    };
    const auto a = shares(data), b = shares(made);
    auto order = a.argsort(0, true).narrow(0, 0, std::min(kMostClasses, count));
    if (column.type == "ordinal") order = std::get<0>(order.sort());
    std::vector<std::string> names;
    Series seen{"data", {}, {}, 0, false}, drawn{"samples", {}, {}, 1, false};
    for (int64_t k = 0; k < order.size(0); ++k) {
      const auto at = order[k].item<int64_t>();
      names.push_back(column.classes[place(at)]);
      seen.y.push_back(100 * a[at].item<double>());
      drawn.y.push_back(100 * b[at].item<double>());
    }
    const auto title =
        column.name +
        (count > kMostClasses ? ", the 12 most frequent of " + std::to_string(count) : "");
    return bar_chart(title, names, {seen, drawn}, "%");
  }

  std::vector<Cells> cells_;
  std::vector<Column> columns_;
};

}  // namespace

std::unique_ptr<RowSections> sections_of(Reported& r, const TableView& view) {
  return std::make_unique<TableSections>(r, view);
}

}  // namespace elbo

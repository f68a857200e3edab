#include "elbo/core/text.h"
#include "elbo/tasks/report_rows.h"

namespace elbo {
namespace {

class TextSections : public RowSections {
 public:
  TextSections(Reported& r, TextView view) : RowSections(r), view_(std::move(view)) {}

  std::string samples() override {
    constexpr int64_t kShown = 16;
    return figure({s_.samples().slice(0, 0, kShown)}, "Draws of p(x|z) for draws of z.");
  }

  std::string reconstructions() override {
    constexpr int64_t kShown = 16;
    return figure({s_.batch().x.slice(0, 0, kShown), s_.reconstructions().slice(0, 0, kShown)},
                  "Data, and what is decoded from their posterior means.");
  }

  std::string interpolations() override {
    constexpr int64_t kPlaces = 11;
    torch::NoGradGuard no_gradient;
    RandomScope scope(static_cast<uint64_t>(s_.options().seed));
    return figure({way(0, kPlaces)}, "From the code of one row to that of the next.");
  }

 private:
  /// Rows of ids, [n, T] each, side by side.
  std::string figure(const std::vector<Tensor>& columns, const std::string& caption) const {
    std::vector<std::vector<std::string>> texts;
    for (const auto& column : columns) texts.push_back(view_.texts(column));
    std::string html = "<figure><table>";
    for (size_t i = 0; i < texts.at(0).size(); ++i) {
      html += "<tr>";
      for (const auto& column : texts) html += "<td>" + html_escape(column.at(i)) + "</td>";
      html += "</tr>";
    }
    return html + "</table><figcaption>" + html_escape(caption) + "</figcaption></figure>";
  }

  TextView view_;
};

}  // namespace

std::unique_ptr<RowSections> sections_of(Reported& r, const TextView& view) {
  return std::make_unique<TextSections>(r, view);
}

}  // namespace elbo

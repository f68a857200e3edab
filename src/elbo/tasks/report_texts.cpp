#include "elbo/tasks/report_texts.h"

#include "elbo/data/tokenizer.h"
#include "elbo/tasks/chart.h"

namespace elbo {

std::string text_figure(const std::vector<Tensor>& columns, const Schema& schema,
                        const std::string& caption) {
  std::vector<std::vector<std::string>> texts;
  for (const auto& column : columns) texts.push_back(texts_of(schema, column));
  std::string html = "<figure><table>";
  for (size_t i = 0; i < texts.at(0).size(); ++i) {
    html += "<tr>";
    for (const auto& column : texts) html += "<td>" + html_escape(column.at(i)) + "</td>";
    html += "</tr>";
  }
  return html + "</table><figcaption>" + html_escape(caption) + "</figcaption></figure>";
}

}  // namespace elbo

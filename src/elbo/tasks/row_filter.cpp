#include "elbo/tasks/row_filter.h"

#include <algorithm>
#include <cmath>

namespace elbo {
namespace {

/// The column that the text begins with, the longest of such names; its index.
size_t column_at(const std::vector<Column>& columns, const std::string& text) {
  size_t found = columns.size(), length = 0;
  std::vector<std::string> names;
  for (size_t i = 0; i < columns.size(); ++i) {
    names.push_back(columns[i].name);
    if (text.starts_with(names.back()) && names.back().size() > length) {
      found = i;
      length = names.back().size();
    }
  }
  check(found < columns.size(), "[where] \"", text,
        "\": begins with no column; known: ", join(names));
  return found;
}

std::string relation_at(const std::string& text) {
  for (const char* relation : {"<=", ">=", "!=", "<", ">", "="}) {
    if (text.starts_with(relation)) return relation;
  }
  fail("[where] \"", text, "\": expected one of < <= > >= = != after the column");
}

}  // namespace

RowFilter::RowFilter(const std::string& text, const Schema& schema) {
  check(schema.kind == Kind::kTable, "[where] conditions on columns need a model of a table");
  const auto columns = columns_of(schema.detail);
  for (size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find(',', from), text.size());
    const std::string part(trimmed(text.substr(from, end - from)));
    const auto at = column_at(columns, part);
    const auto& column = columns[at];
    const auto rest = std::string(trimmed(part.substr(column.name.size())));
    const auto relation = relation_at(rest);
    const auto word = std::string(trimmed(rest.substr(relation.size())));
    const bool ordered = column.numeric() || column.type == "ordinal";
    check(ordered || relation == "=" || relation == "!=", "[where] ", column.name, ": ", relation,
          " needs an order, a ", column.type, " has none");
    try {
      conditions_.push_back({static_cast<int64_t>(at), relation,
                             static_cast<double>(Cells(column).value(word)),
                             std::pow(10.0, -static_cast<double>(column.decimals))});
    } catch (const Error& error) {
      fail("[where] ", column.name, ": ", error.what());
    }
    from = end + 1;
  }
}

Tensor RowFilter::keeps(const Tensor& values) const {
  auto keep = torch::ones({values.size(0)}, torch::kBool);
  for (const auto& c : conditions_) {
    const auto x = (values.select(1, c.column).to(torch::kFloat64) / c.unit).round() * c.unit;
    Tensor met;
    const double near = 1e-6 * std::max(c.unit, std::abs(c.value));  // float32 beside decimals
    if (c.relation == "<") met = x < c.value - near;
    if (c.relation == "<=") met = x <= c.value + near;
    if (c.relation == ">") met = x > c.value + near;
    if (c.relation == ">=") met = x >= c.value - near;
    if (c.relation == "=") met = (x - c.value).abs() <= near;
    if (c.relation == "!=") met = (x - c.value).abs() > near;
    keep = keep.logical_and(met);
  }
  return keep;
}

}  // namespace elbo

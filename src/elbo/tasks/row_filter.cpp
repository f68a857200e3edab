#include "elbo/tasks/row_filter.h"

#include <algorithm>
#include <cmath>

#include "elbo/core/registry.h"
#include "elbo/data/row_view.h"

namespace elbo {
namespace {

/// The column whose name, or name in quotes, the text begins with, the longest that a relation
/// follows; its index, and how long it stands there.
size_t column_at(const std::vector<Column>& columns, const std::string& text, size_t* length) {
  size_t found = columns.size();
  std::vector<std::string> names;
  for (size_t i = 0; i < columns.size(); ++i) {
    names.push_back(columns[i].name);
    for (const auto& name : {columns[i].name, '"' + columns[i].name + '"'}) {
      if (!text.starts_with(name) || name.size() <= *length) continue;
      const auto rest = trimmed(std::string_view(text).substr(name.size()));
      if (rest.empty() || std::string_view("<>=!").find(rest.front()) == std::string_view::npos)
        continue;
      found = i;
      *length = name.size();
    }
  }
  check(found < columns.size(), "[where] \"", text,
        "\": begins with no column and relation; known: ", join(names));
  return found;
}

std::string relation_at(const std::string& text) {
  for (const char* relation : {"<=", ">=", "!=", "<", ">", "="}) {
    if (text.starts_with(relation)) return relation;
  }
  fail("[where] \"", text, "\": expected one of < <= > >= = != after the column");
}

/// The value at the front of a text, which it is taken from: in quotes, a known class (the longest:
/// it may hold commas), or what stands before the next comma.
std::string take_value(std::string& text, const Column& column) {
  if (text.starts_with('"')) {
    const auto end = text.find('"', 1);
    check(end != std::string::npos, "[where] ", column.name, ": ", text, ": a quote is not closed");
    const auto value = text.substr(1, end - 1);
    text.erase(0, end + 1);
    return value;
  }
  std::string value = text.substr(0, text.find(','));
  for (const auto& name : column.classes) {
    if (name.size() <= value.size() || !text.starts_with(name)) continue;
    if (text.size() == name.size() || text[name.size()] == ',') value = name;
  }
  text.erase(0, value.size());
  return std::string(trimmed(value));
}

}  // namespace

RowFilter::RowFilter(const std::string& text, const Schema& schema) {
  check(TableView::shows(schema), "[where] conditions on columns need a model of a table");
  const auto columns = columns_of(schema);
  columns_ = static_cast<int64_t>(columns.size());
  for (std::string left(trimmed(text)); !left.empty();) {
    size_t length = 0;
    const auto at = column_at(columns, left, &length);
    const auto& column = columns[at];
    left = trimmed(left.substr(length));
    const auto relation = relation_at(left);
    left = trimmed(left.substr(relation.size()));
    const auto word = take_value(left, column);
    left = trimmed(left);
    check(left.empty() || left.front() == ',', "[where] ", column.name, ": \"", left,
          "\" behind the value; conditions are separated by commas");
    if (!left.empty()) left = trimmed(left.substr(1));
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
  }
}

Tensor RowFilter::named() const {
  auto named = torch::zeros({1, columns_}, torch::kBool);
  for (const auto& c : conditions_) named.select(1, c.column).fill_(true);
  return named;
}

Batch RowFilter::fixed() const {
  Batch row;
  row.x = torch::zeros({1, columns_});
  row.mask = torch::zeros({1, columns_});
  for (const auto& c : conditions_) {
    if (c.relation != "=") continue;
    row.x.select(1, c.column).fill_(c.value);
    row.mask.select(1, c.column).fill_(1);
  }
  return row;
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

#include "elbo/eval/compared_rows.h"

#include <algorithm>
#include <cmath>

#include "elbo/core/text.h"
#include "elbo/data/spelling.h"

namespace elbo {
namespace {

constexpr int64_t kMostOneHot = 128;

/// The value of each class of grades that are numbers; empty where one of them is not.
std::vector<double> grades_of(const Column& column) {
  std::vector<double> values;
  if (column.type != "ordinal") return values;
  for (const auto& name : column.classes) {
    const auto value = parse_number(name, false);
    if (!value) return {};
    values.push_back(*value);
  }
  return values;
}

/// Seconds between the times that a column can spell: those of a day where it has no hours.
double time_unit(const Column& column) {
  const auto has = [&](const std::string& mark) {  // "%-H" is the hour without a leading zero
    return column.format.find("%" + mark) != std::string::npos ||
           column.format.find("%-" + mark) != std::string::npos;
  };
  if (column.order >= TimeOrder::kSeconds || column.format.empty() || has("S")) return 0;
  if (has("M")) return 60;
  return has("H") || has("I") ? 3600 : 86400;
}

/// The number of a cell, without the noise that float32 leaves beyond what the column can spell.
double raw_number(double value, const Column& column, double seconds) {
  const double number = value + column.origin;
  if (seconds > 0) return std::round((number + column.zone) / seconds) * seconds - column.zone;
  if (column.decimals >= kMostDecimals) return number;
  const double unit = std::pow(10, static_cast<double>(column.decimals));
  return std::round(number * unit) / unit;
}

/// Values of grades in place of their indices.
Tensor graded(const Tensor& index, const std::vector<double>& grades) {
  const auto values = torch::tensor(grades, torch::kFloat64);
  const auto known = index.nan_to_num(0).to(torch::kInt64).clamp(0, values.numel() - 1);
  return values.index_select(0, known).masked_fill(index.isnan(), NAN);
}

bool has_label(const Schema& c) { return c.kind == Kind::kCategory && c.shape.size() == 1; }

/// The label that rows are drawn for, as a last column.
Tensor with_label(const Tensor& x, const Schemas& schemas, const Batch& batch) {
  if (!has_label(schemas.c)) return x;
  return torch::cat({x, batch.c.argmax(1, true).to(x.options())}, 1);
}

std::string named_values(const std::vector<std::string>& names, const Tensor& values,
                         const Tensor& order, size_t most) {
  std::vector<std::string> parts;
  for (int64_t i = 0; i < order.numel() && parts.size() < most; ++i) {
    const auto at = order[i].item<int64_t>();
    const double value = values[at].item<double>();
    if (!std::isfinite(value)) break;
    parts.push_back(names[static_cast<size_t>(at)] + " " +
                    number_text(std::round(value * 1e4) / 1e4));
  }
  return join(parts);
}

}  // namespace

Tensor as_written(const Tensor& x, const std::vector<Column>& columns) {
  const auto values = x.to(torch::kFloat64).contiguous();
  const auto written = torch::empty(values.sizes(), torch::kFloat32);
  const auto* from = values.data_ptr<double>();
  auto* to = written.data_ptr<float>();
  std::vector<Cells> cells;
  for (const auto& column : columns) cells.emplace_back(column);
  for (int64_t i = 0; i < values.numel(); ++i) {
    const auto& cell = cells[static_cast<size_t>(i) % cells.size()];
    to[i] = std::isnan(from[i]) ? NAN : cell.value(cell.text(from[i]));
  }
  return written;
}

ComparedRows compared_rows(Subject& s) {
  ComparedRows rows;
  const auto& schemas = s.schemas();
  const auto& pair = s.pair();
  rows.columns = columns_of(schemas.x);
  rows.training = with_label(observed(pair.training), schemas, pair.training);
  rows.synthetic = with_label(as_written(pair.samples, rows.columns), schemas, pair.training);
  rows.held_out = with_label(observed(s.batch()), schemas, s.batch());
  if (!has_label(schemas.c)) return rows;
  Column label;
  label.name = "label";
  label.type = "category";
  label.classes = class_names(schemas.c);
  rows.columns.push_back(label);
  return rows;
}

Tensor training_cells(Subject& s, int64_t most) {
  const auto key = Draw{static_cast<uint64_t>(s.options().seed), 0}.key("training rows");
  std::vector<Tensor> parts;
  for_each_batch(*some_rows(s.training(), most, key), 4096, Draw{},
                 [&](const Batch& batch, int64_t) {
                   parts.push_back(with_label(observed(batch), s.schemas(), batch));
                 });
  return torch::cat(parts);
}

Json protocol_of(const ComparedRows& rows) {
  return {{"rows", rows.held_out.size(0)},
          {"samples", rows.synthetic.size(0)},
          {"training_rows", rows.training.size(0)}};
}

bool is_number(const Column& column) { return column.numeric() || !grades_of(column).empty(); }

std::vector<Column> raw_columns(const std::vector<Column>& columns) {
  auto raw = columns;
  for (auto& column : raw) {
    if (is_number(column)) column.classes.clear();
  }
  return raw;
}

Tensor raw_cells(const Tensor& x, const std::vector<Column>& columns) {
  const auto raw = x.to(torch::kFloat64).clone().contiguous();
  auto* cell = raw.data_ptr<double>();
  const auto width = columns.size();
  std::vector<double> seconds;
  for (const auto& column : columns) {
    seconds.push_back(column.type == "date" ? time_unit(column) : 0);
  }
  for (int64_t i = 0; i < raw.numel(); ++i) {
    const auto d = static_cast<size_t>(i) % width;
    if (!columns[d].numeric() || std::isnan(cell[i])) continue;
    cell[i] = raw_number(cell[i], columns[d], seconds[d]);
  }
  for (size_t d = 0; d < width; ++d) {
    const auto grades = grades_of(columns[d]);
    auto column = raw.select(1, static_cast<int64_t>(d));
    if (!grades.empty()) column.copy_(graded(column, grades));
  }
  return raw;
}

TreeFeatures tree_features(const Tensor& x, const std::vector<Column>& columns, int64_t target) {
  TreeFeatures features;
  std::vector<Tensor> parts{torch::zeros({x.size(0), 0})};
  for (size_t d = 0; d < columns.size(); ++d) {
    const auto at = static_cast<int64_t>(d);
    if (at == target) continue;
    auto cells = x.select(1, at).to(torch::kFloat32).unsqueeze(1);
    const auto classes = static_cast<int64_t>(columns[d].classes.size());
    const auto grades = grades_of(columns[d]);
    if (!grades.empty()) {
      cells = graded(cells.select(1, 0).to(torch::kFloat64), grades).to(x.dtype()).unsqueeze(1);
    } else if (!columns[d].numeric() && classes <= kMostOneHot) {
      const auto missing = cells.isnan().to(torch::kFloat32);
      cells = (cells == torch::arange(classes, torch::kFloat32)).to(torch::kFloat32);
      if (missing.sum().item<double>() > 0) cells = torch::cat({cells, missing}, 1);
    }
    features.column.insert(features.column.end(), static_cast<size_t>(cells.size(1)), at);
    parts.push_back(cells.to(torch::kFloat32));
  }
  features.x = torch::cat(parts, 1);
  return features;
}

std::string smallest_of(const std::vector<std::string>& names, const Tensor& values, size_t most) {
  return named_values(names, values, values.nan_to_num(INFINITY).argsort(), most);
}

std::string largest_of(const std::vector<std::string>& names, const Tensor& values, size_t most) {
  return named_values(names, values, values.nan_to_num(-INFINITY).argsort(0, true), most);
}

}  // namespace elbo

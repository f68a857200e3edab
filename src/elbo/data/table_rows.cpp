#include <algorithm>

#include "elbo/data/table.h"

namespace elbo {
namespace {

int64_t place_of(const std::vector<std::string>& names, const std::string& name) {
  const auto at = std::find(names.begin(), names.end(), name);
  return at == names.end() ? -1 : at - names.begin();
}

/// Names of the columns that a file must have; none where the schema knows them by place.
std::vector<std::string> known_names(const Schemas& schemas) {
  if (!schemas.x.detail.value("header", true)) return {};
  return column_names(schemas.x);
}

}  // namespace

std::string weight_column(const Schema& table) {
  const auto name = table.detail.value("weight", Json(""));
  return name.is_string() ? name.get<std::string>() : "";
}

TableRows::TableRows(const std::string& path, const TableOptions& options, const Schemas& schemas,
                     OddCells odd)
    : text_(path, options, known_names(schemas)), keep_(odd) {
  const auto& detail = schemas.x.detail;
  const bool named = detail.value("header", true);
  const auto width = static_cast<int64_t>(text_.names().size());
  check(!named || text_.has_header(), "[table] ", path,
        ": the first line names no columns, the model knows them by name");
  check(named || detail.value("width", int64_t{0}) == width, "[table] ", path, ": ", width,
        " columns, the model was trained on ", detail.value("width", int64_t{0}));
  find_columns(schemas);
  values_.resize(cells_.size());
  mask_.resize(cells_.size());
  if (odd == OddCells::kQuoted) find_constants(schemas.x);
  if (schemas.y.present() && schemas.y.detail.contains("column")) find_label(schemas.y);
  // A score does not depend on it.
  if (const auto name = weight_column(schemas.x); !name.empty() && odd != OddCells::kQuoted) {
    weight_at_ = place_of(text_.names(), name);
  }
}

void TableRows::find_columns(const Schemas& schemas) {
  const auto& names = text_.names();
  const bool named = schemas.x.detail.value("header", true);
  std::vector<std::string> absent;
  for (auto& column : columns_of(schemas.x)) {
    // A file may have gained a header since.
    const bool by_name = named || !text_.has_header();
    places_.push_back(by_name ? place_of(names, column.name) : std::atoll(column.name.c_str() + 1));
    if (places_.back() < 0) absent.push_back(column.name);
    cells_.emplace_back(std::move(column));
  }
  check(absent.empty(), "[table] ", text_.records().path(), ": lacks the column",
        absent.size() > 1 ? "s " : " ", join(absent), "; found: ", join(names));
}

void TableRows::find_constants(const Schema& x) {
  for (const auto& one : x.detail.value("constants", Json::array())) {
    Constant c{one.value("name", ""), one.value("text", ""), {}, -1};
    c.place = place_of(text_.names(), c.name);
    c.number = parse_number(c.text, true);
    if (c.place >= 0) constants_.push_back(std::move(c));
  }
}

void TableRows::find_label(const Schema& y) {
  Column label;
  label.name = y.detail["column"].get<std::string>();
  label.type = "category";
  label.classes = label_classes_ = class_names(y);
  label_at_ = place_of(text_.names(), label.name);
  label_cells_.emplace_back(std::move(label));
}

void TableRows::read_cell(size_t column) {
  const auto text = cell(column);
  mask_[column] = 0;
  values_[column] = 0;
  if (text_.missing(text)) return;
  const auto& cells = cells_[column];
  if (const auto value = cells.read(text, &problem_)) {
    mask_[column] = 1;
    values_[column] = *value;
    return;
  }
  if (cells.absent(text)) return;
  if (keep_ == OddCells::kRefused) text_.refuse(places_[column], problem_);
  odd_.push_back({static_cast<int64_t>(column), cells.column().name, std::string(text)});
}

void TableRows::read_label() {
  label_ = -1;
  const auto text = trimmed(text_.records().cell(label_at_));
  if (text_.missing(text)) return;
  if (const auto value = label_cells_[0].read(text, &problem_)) {
    label_ = static_cast<int64_t>(*value);
    return;
  }
  // With one class in training the label only says which rows are normal.
  if (keep_ == OddCells::kRefused && label_classes_.size() > 1) text_.refuse(label_at_, problem_);
  if (keep_ == OddCells::kMissing) {
    odd_.push_back({-1, label_cells_[0].column().name, std::string(text)});
  }
  if (keep_ != OddCells::kQuoted) return;
  const auto place = place_of(label_classes_, std::string(text));
  label_ = place >= 0 ? place : static_cast<int64_t>(label_classes_.size());
  if (place < 0) label_classes_.emplace_back(text);
}

void TableRows::read_weight() {
  const auto text = trimmed(text_.records().cell(weight_at_));
  const auto refuse = [&](const std::string& found) {
    text_.refuse(weight_at_, found + ": a weight is a finite number from 0");
  };
  if (text_.missing(text)) refuse("is missing");
  std::optional<double> number;
  try {
    number = parse_number(text, text_.records().delimiter() != ',');
  } catch (const Error&) {
    number.reset();  // beyond the range
  }
  if (!number || *number < 0) refuse("\"" + std::string(text) + "\"");
  weight_ = static_cast<float>(*number);
}

void TableRows::check_constants() {
  for (const auto& c : constants_) {
    const auto text = trimmed(text_.records().cell(c.place));
    if (text == c.text || text_.missing(text)) continue;
    std::optional<double> number;
    try {
      number = c.number ? parse_number(text, true) : std::nullopt;
    } catch (const Error&) {
      number.reset();  // beyond the range of numbers: another one
    }
    if (number && *number == *c.number) continue;
    odd_.push_back({-1, c.name, std::string(text), c.text});
  }
}

bool TableRows::next() {
  if (!text_.next()) return false;
  odd_.clear();
  for (size_t i = 0; i < cells_.size(); ++i) read_cell(i);
  if (!constants_.empty()) check_constants();
  if (label_at_ >= 0) read_label();
  if (weight_at_ >= 0) read_weight();
  return true;
}

}  // namespace elbo

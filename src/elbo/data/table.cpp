#include "elbo/data/table.h"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "elbo/data/memory_source.h"

namespace elbo {
namespace {

char delimiter_of(const TableOptions& options) {
  if (options.delimiter == "tab" || options.delimiter == "\\t") return '\t';
  check(options.delimiter.size() <= 1, "[table] delimiter: found \"", options.delimiter,
        "\", expected one character, or tab");
  return options.delimiter.empty() ? '\0' : options.delimiter[0];
}

std::vector<std::string> missing_words(const std::string& given) {
  std::vector<std::string> words = {"NA", "N/A", "NaN", "nan", "null", "NULL", "?"};
  for (size_t from = 0; from < given.size();) {
    const auto end = std::min(given.find(',', from), given.size());
    words.emplace_back(trimmed(std::string_view(given).substr(from, end - from)));
    from = end + 1;
  }
  return words;
}

int64_t find_name(const std::vector<std::string>& names, const std::string& name) {
  const auto at = std::find(names.begin(), names.end(), name);
  return at == names.end() ? -1 : at - names.begin();
}

std::unique_ptr<Records> open_records(const std::string& path, const TableOptions& options) {
  if (auto records = memory_records(path)) return records;
  const auto [file, table] = split_table(path);
  if (!is_database(file)) return std::make_unique<CsvReader>(path, delimiter_of(options));
  const auto part = DatabasePart{options.table, options.query};
  return open_database(file, table.empty() ? part : DatabasePart{table, ""});
}

}  // namespace

std::pair<std::string, std::string> split_table(const std::string& path) {
  const auto colon = path.rfind(':');
  std::error_code ignored;
  if (colon == std::string::npos || std::filesystem::exists(path, ignored)) return {path, ""};
  const auto file = path.substr(0, colon);
  if (is_database(file)) return {file, path.substr(colon + 1)};
  return {path, ""};
}

void check_source(const std::string& path, const TableOptions& options) {
  const auto [file, table] = split_table(path);
  const bool part = !options.table.empty() || !options.query.empty();
  if (is_database(file)) {
    check(options.delimiter.empty(), "[table] ", path, ": is a database, which has no delimiter");
    check(table.empty() || !part, "[table] ", path,
          ": names a table, leave out --table and --query");
  } else {
    check(!part, "[table] ", path, ": is not a database, leave out --table and --query");
  }
}

TableText::TableText(const std::string& path, const TableOptions& options)
    : records_(open_records(path, options)), words_(missing_words(options.missing)) {
  check(records_->next(), "[table] ", path, ": is empty");
  has_header_ = records_->names_first() || options.header == "yes" ||
                (options.header == "auto" && looks_like_header());
  read_names();
  pending_ = !has_header_;
  if (has_header_) header_ = record() + std::string(records_->line_end());
}

/// Names are no numbers, and most columns have one.
bool TableText::looks_like_header() const {
  int64_t empty = 0;
  for (int64_t i = 0; i < records_->size(); ++i) {
    const auto cell = trimmed(records_->cell(i));
    empty += cell.empty();
    if ((!cell.empty() && missing(cell)) || parse_date(cell)) return false;
    const bool digits = cell.find_first_not_of("+-.0123456789eE") == std::string_view::npos;
    if (digits && parse_number(cell, false)) return false;
  }
  return 2 * empty < records_->size();
}

void TableText::read_names() {
  for (int64_t i = 0; i < records_->size(); ++i) {
    std::string name(trimmed(records_->cell(i)));
    if (!has_header_ || name.empty()) name = "x" + std::to_string(i);
    check(is_utf8(name), "[table] ", records_->path(), ": ", place(), ", column ", i + 1,
          ": the name is not UTF-8 (iconv -f latin1 -t utf-8 turns most older files into it)");
    auto unique = name;
    for (int64_t k = 2; find_name(names_, unique) >= 0; ++k) {
      unique = name + "." + std::to_string(k);
    }
    if (unique != name) {
      notes_.push_back("column " + std::to_string(i + 1) + ": a second \"" + name +
                       "\" is called \"" + unique + "\"");
    }
    names_.push_back(unique);
  }
}

bool TableText::next() {
  if (!pending_ && !records_->next()) return false;
  pending_ = false;
  check(records_->size() == static_cast<int64_t>(names_.size()), "[table] ", records_->path(), ": ",
        place(), " has ", records_->size(), " cells, the first line ", names_.size());
  return true;
}

float TableText::number(int64_t column) const {
  const auto cell = trimmed(records_->cell(column));
  if (missing(cell)) return std::numeric_limits<float>::quiet_NaN();
  const auto number = parse_number(cell, records_->delimiter() != ',');
  if (!number) {
    refuse(column, "\"" + std::string(cell) +
                       "\" is not a number; name the column's use as in --types \"" +
                       names_[static_cast<size_t>(column)] + "=ignore\" (or label, date)");
  }
  return static_cast<float>(*number);
}

std::string TableText::place() const {
  return records_->unit() + " " + std::to_string(records_->line());
}

std::string TableText::record() const {
  std::string bytes;
  for (int64_t i = 0; i < records_->size(); ++i) {
    if (i > 0) bytes += records_->delimiter();
    bytes += records_->raw(i);
  }
  return bytes;
}

bool TableText::missing(std::string_view cell) const {
  return cell.empty() || std::any_of(words_.begin(), words_.end(), [&](const std::string& word) {
           return word.size() == cell.size() && word == cell;
         });
}

void TableText::refuse(int64_t column, const std::string& what) const {
  fail("[table] ", records_->path(), ": ", place(), ", column ", column + 1, " \"",
       names_[static_cast<size_t>(column)], "\": ", what);
}

TableRows::TableRows(const std::string& path, const TableOptions& options, const Schemas& schemas)
    : text_(path, options) {
  const auto& names = text_.names();
  const auto& detail = schemas.x.detail;
  const bool named = detail.value("header", true);
  check(!named || text_.has_header(), "[table] ", path,
        ": the first line names no columns, the model knows them by name");
  check(named || detail.value("width", int64_t{0}) == static_cast<int64_t>(names.size()),
        "[table] ", path, ": ", names.size(), " columns, the model was trained on ",
        detail.value("width", int64_t{0}));
  std::vector<std::string> absent;
  for (auto& column : columns_of(schemas.x)) {
    // A file may have gained a header since.
    const bool by_name = named || !text_.has_header();
    places_.push_back(by_name ? find_name(names, column.name)
                              : std::atoll(column.name.c_str() + 1));
    if (places_.back() < 0) absent.push_back(column.name);
    cells_.emplace_back(std::move(column));
  }
  check(absent.empty(), "[table] ", path, ": lacks the column", absent.size() > 1 ? "s " : " ",
        join(absent), "; found: ", join(names));
  values_.resize(cells_.size());
  mask_.resize(cells_.size());
  if (!schemas.y.present() || !schemas.y.detail.contains("column")) return;
  Column label;
  label.name = schemas.y.detail["column"].get<std::string>();
  label.type = "category";
  label.classes = schemas.y.detail.value("classes", label.classes);
  label_at_ = find_name(names, label.name);
  label_cells_.emplace_back(std::move(label));
}

bool TableRows::next() {
  if (!text_.next()) return false;
  const auto& records = text_.records();
  const auto value = [&](const Cells& cells, int64_t at, std::string_view cell) {
    try {
      return cells.value(cell);
    } catch (const Error& error) {
      text_.refuse(at, error.what());
    }
  };
  for (size_t i = 0; i < cells_.size(); ++i) {
    const auto cell = trimmed(records.cell(places_[i]));
    mask_[i] = text_.missing(cell) ? 0 : 1;
    values_[i] = mask_[i] ? value(cells_[i], places_[i], cell) : 0;
  }
  label_ = -1;
  if (label_at_ >= 0) {
    const auto cell = trimmed(records.cell(label_at_));
    if (!text_.missing(cell)) {
      label_ = static_cast<int64_t>(value(label_cells_[0], label_at_, cell));
    }
  }
  return true;
}

std::string table_header(const std::vector<Column>& columns, char delimiter) {
  std::string text;
  for (const auto& column : columns) {
    if (!text.empty()) text += delimiter;
    text += csv_cell(column.name, delimiter);
  }
  return text + "\n";
}

void append_rows(std::string& text, const std::vector<Cells>& cells, const Tensor& values,
                 char delimiter) {
  const auto plain = values.to(torch::kCPU, torch::kFloat64).contiguous();
  const auto* v = plain.data_ptr<double>();
  for (int64_t r = 0; r < plain.size(0); ++r) {
    for (size_t i = 0; i < cells.size(); ++i, ++v) {
      if (i > 0) text += delimiter;
      text += csv_cell(cells[i].text(*v), delimiter);
    }
    text += '\n';
  }
}

}  // namespace elbo

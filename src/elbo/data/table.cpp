#include "elbo/data/table.h"

#include <algorithm>
#include <cmath>
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

TableText::TableText(const std::string& path, const TableOptions& options,
                     const std::vector<std::string>& known)
    : records_(open_records(path, options)), words_(missing_words(options.missing)) {
  check(records_->next(), "[table] ", path, ": is empty");
  find_header(options, known);
  read_names();
  pending_ = !has_header_;
  if (has_header_) header_ += record() + std::string(records_->line_end());
  if (head_.units && records_->next()) header_ += record() + std::string(records_->line_end());
}

/// The present record is kept with the header, and the next one read.
void TableText::skip() {
  header_ += record() + std::string(records_->line_end());
  check(records_->next(), "[table] ", records_->path(), ": holds no rows");
}

bool TableText::names_all(const std::vector<std::string>& known) const {
  const auto names = names_here(true, nullptr);
  return !known.empty() && std::all_of(known.begin(), known.end(), [&](const auto& name) {
    return find_name(names, name) >= 0;
  });
}

void TableText::find_header(const TableOptions& options, const std::vector<std::string>& known) {
  has_header_ = true;
  if (records_->names_first()) return;
  std::error_code ignored;
  const bool again = std::filesystem::is_regular_file(records_->path(), ignored);
  if (again) {
    const auto first = open_records(records_->path(), options);
    head_ = read_head(*first, known.empty() ? options.header : "yes", words_);
    notes_ = head_.notes;
    for (int64_t i = 0; i < head_.skipped; ++i) skip();
  }
  while (!again && !known.empty() && records_->cell(0).starts_with('#') && !names_all(known)) {
    head_.comments = true;
    skip();
  }
  const bool guess = options.header == "auto" && (!known.empty() || !again);
  has_header_ = options.header == "yes" || (guess ? names_all(known) || looks_like_header()
                                                  : options.header == "auto" && head_.header);
  if (!has_header_) head_.units = head_.last_empty = head_.hash_names = false;
}

/// Names are no numbers, and most columns have one.
bool TableText::looks_like_header() const {
  int64_t empty = 0;
  for (int64_t i = 0; i < records_->size(); ++i) {
    const auto cell = trimmed(records_->cell(i));
    empty += cell.empty();
    if ((!cell.empty() && missing(cell)) || is_date(cell)) return false;
    const bool digits = cell.find_first_not_of("+-.0123456789eE") == std::string_view::npos;
    if (digits && parse_number(cell, false)) return false;
  }
  return 2 * empty < records_->size();
}

/// Names of the columns by the present record, or x0, x1, …; each once.
std::vector<std::string> TableText::names_here(bool header, std::vector<std::string>* notes) const {
  std::vector<std::string> names;
  for (int64_t i = 0; i < records_->size(); ++i) {
    auto cell = trimmed(records_->cell(i));
    const bool hash = i == 0 && (head_.hash_names || head_.comments) && cell.starts_with('#');
    if (hash) cell = trimmed(cell.substr(1));
    std::string name(header ? cell : "");
    if (name.empty()) name = "x" + std::to_string(i);
    auto unique = name;
    for (int64_t k = 2; find_name(names, unique) >= 0; ++k) {
      unique = name + "." + std::to_string(k);
    }
    if (notes && unique != name) {
      notes->push_back("column " + std::to_string(i + 1) + ": a second \"" + name +
                       "\" is called \"" + unique + "\"");
    }
    names.push_back(unique);
  }
  return names;
}

void TableText::read_names() {
  names_ = names_here(has_header_, &notes_);
  for (int64_t i = 0; i < records_->size(); ++i) {
    check(is_utf8(names_[static_cast<size_t>(i)]), "[table] ", records_->path(), ": ", place(),
          ", column ", i + 1,
          ": the name is not UTF-8 (iconv -f latin1 -t utf-8 turns most older files into it)");
    unnamed_.push_back(trimmed(records_->cell(i)).empty());
  }
}

bool TableText::next() {
  if (!pending_ && !records_->next()) return false;
  pending_ = false;
  const auto width = static_cast<int64_t>(names_.size());
  while (head_.comments && records_->size() != width && records_->cell(0).starts_with('#')) {
    if (!records_->next()) return false;
  }
  check_size();
  return true;
}

void TableText::check_size() const {
  const auto width = static_cast<int64_t>(names_.size()), size = records_->size();
  if (head_.last_empty && size == width + 1 && records_->cell(width).empty()) return;
  check(size == width, "[table] ", records_->path(), ": ", place(), " has ", size,
        " cells, the first line ", width);
}

double TableText::number(int64_t column) const {
  const auto cell = trimmed(records_->cell(column));
  if (missing(cell)) return std::numeric_limits<double>::quiet_NaN();
  const auto number = parse_number(cell, records_->delimiter() != ',');
  if (!number && is_absent_word(cell)) return std::numeric_limits<double>::quiet_NaN();
  if (!number) {
    refuse(column, "\"" + std::string(cell) +
                       "\" is not a number; name the column's use as in --types \"" +
                       names_[static_cast<size_t>(column)] + "=ignore\" (or label, date)");
  }
  return *number;
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

std::string table_header(const std::vector<Cells>& cells, char delimiter) {
  std::string text;
  for (const auto& cell : cells) {
    if (!text.empty()) text += delimiter;
    text += csv_cell(cell.column().name, delimiter);
  }
  return text + "\n";
}

void append_rows(std::string& text, const std::vector<Cells>& cells, const Tensor& values,
                 char delimiter, const std::vector<std::string>& holes) {
  const auto plain = values.to(torch::kCPU, torch::kFloat64).contiguous();
  const auto* v = plain.data_ptr<double>();
  for (int64_t r = 0; r < plain.size(0); ++r) {
    for (size_t i = 0; i < cells.size(); ++i, ++v) {
      if (i > 0) text += delimiter;
      if (!std::isnan(*v)) {
        text += csv_cell(cells[i].text(*v), delimiter);
      } else if (i < holes.size()) {
        text += csv_cell(holes[i], delimiter);
      }
    }
    text += '\n';
  }
}

std::vector<std::string> hole_words(const Schema& table) {
  const Json words = table.detail.value("holes", Json::object());
  std::vector<std::string> list;
  for (const auto& name : column_names(table)) {
    const Json word = words.is_object() ? words.value(name, Json("")) : Json("");
    list.push_back(word.is_string() ? word.get<std::string>() : "");
  }
  return list;
}

}  // namespace elbo

#include "elbo/coding/table_records.h"

#include <algorithm>
#include <map>

#include "elbo/data/column.h"

namespace elbo {
namespace {

constexpr size_t kRecordsAbove = 200;  // among which the one that names the columns is looked for

bool ends_line(char c) { return c == '\n' || c == '\r'; }

/// Past the quotes that open here; the end where nothing closes them.
size_t past_quotes(std::string_view bytes, size_t at) {
  for (++at; at < bytes.size(); ++at) {
    if (bytes[at] != '"') continue;
    if (at + 1 >= bytes.size() || bytes[at + 1] != '"') return at + 1;
    ++at;
  }
  return bytes.size();
}

size_t past_spaces(std::string_view bytes, size_t at) {
  while (at < bytes.size() && bytes[at] == ' ') ++at;
  return at;
}

/// The end of a cell that begins here.
size_t end_of_cell(std::string_view bytes, size_t at, char delimiter) {
  if (delimiter == ' ') at = past_spaces(bytes, at);
  if (at < bytes.size() && bytes[at] == '"') at = past_quotes(bytes, at);
  while (at < bytes.size() && bytes[at] != delimiter && !ends_line(bytes[at])) ++at;
  if (delimiter != ' ') return at;
  const size_t next = past_spaces(bytes, at);
  return next == bytes.size() || ends_line(bytes[next]) ? next : at;
}

/// Names as a reader of tables gives them: x0, x1, … where there is none, and none twice.
std::vector<std::string> names_in(const TextRecord& record) {
  std::vector<std::string> names;
  for (size_t i = 0; i < record.cells.size(); ++i) {
    auto name = cell_content(record.cells[i]);
    if (i == 0 && name.starts_with('#')) name = std::string(trimmed(name.substr(1)));
    if (name.empty()) name = "x" + std::to_string(i);
    auto unique = name;
    for (int k = 2; std::find(names.begin(), names.end(), unique) != names.end(); ++k) {
      unique = name + "." + std::to_string(k);
    }
    names.push_back(unique);
  }
  return names;
}

/// The number of cells that most records from `first` have.
size_t width_of_most(const std::vector<TextRecord>& records, size_t first) {
  std::map<size_t, size_t> counts;
  for (size_t i = first; i < records.size(); ++i) ++counts[records[i].cells.size()];
  size_t width = 0, most = 0;
  for (const auto& [cells, count] : counts) {
    if (count <= most) continue;
    width = cells;
    most = count;
  }
  return width;
}

/// The number at the end of x7.
std::optional<size_t> place_in(const std::string& name) {
  const auto digits = name.substr(std::min<size_t>(name.size(), 1));
  if (digits.empty() || digits.size() > 7) return {};
  if (digits.find_first_not_of("0123456789") != std::string::npos) return {};
  return std::stoul(digits);
}

}  // namespace

std::vector<TextRecord> text_records(std::string_view bytes, char delimiter) {
  std::vector<TextRecord> records;
  for (size_t at = 0; at < bytes.size();) {
    TextRecord record;
    const size_t from = at;
    for (;;) {
      const size_t end = end_of_cell(bytes, at, delimiter);
      record.cells.push_back(bytes.substr(at, end - at));
      at = end;
      if (at >= bytes.size() || ends_line(bytes[at])) break;
      if (delimiter != ' ') ++at;
    }
    const size_t line = at;
    if (at < bytes.size()) at += bytes.substr(at, 2) == "\r\n" ? 2 : 1;
    record.end = bytes.substr(line, at - line);
    record.all = bytes.substr(from, at - from);
    records.push_back(std::move(record));
  }
  return records;
}

std::string cell_content(std::string_view raw) {
  if (!raw.starts_with('"')) raw = trimmed(raw);
  if (raw.size() < 2 || !raw.starts_with('"') || past_quotes(raw, 0) != raw.size()) {
    return std::string(raw);
  }
  std::string text;
  for (size_t i = 1; i + 1 < raw.size(); ++i) {
    text += raw[i];
    if (raw[i] == '"') ++i;
  }
  return std::string(trimmed(text));
}

std::optional<RecordLayout> find_layout(const std::vector<TextRecord>& records,
                                        const std::vector<std::string>& names, bool header) {
  RecordLayout layout;
  layout.place_of.resize(names.size());
  size_t most = 0;
  for (size_t r = 0; header && r < std::min(records.size(), kRecordsAbove); ++r) {
    const auto here = names_in(records[r]);
    std::vector<std::optional<size_t>> places(names.size());
    size_t found = 0;
    for (size_t j = 0; j < names.size(); ++j) {
      const auto at = std::find(here.begin(), here.end(), names[j]);
      if (at == here.end()) continue;
      places[j] = static_cast<size_t>(at - here.begin());
      ++found;
    }
    if (found <= most) continue;
    most = found;
    layout.first = r + 1;
    layout.place_of = std::move(places);
  }
  for (size_t j = 0; !header && j < names.size(); ++j) layout.place_of[j] = place_in(names[j]);
  layout.width = width_of_most(records, layout.first);
  size_t kept = 0;
  for (auto& place : layout.place_of) {
    if (place && *place >= layout.width) place.reset();
    kept += place.has_value();
  }
  if (kept == 0) return {};
  return layout;
}

}  // namespace elbo

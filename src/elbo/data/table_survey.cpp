#include "elbo/data/table_survey.h"

#include <algorithm>

#include "elbo/data/reader.h"

namespace elbo {
namespace {

std::string in_quotes(const std::string& text) { return "\"" + text + "\""; }

/// A message whose options name the column itself.
std::string with_name(std::string message, const std::string& name) {
  const std::string_view place = "NAME=";
  for (size_t at = 0; (at = message.find(place, at)) != std::string::npos; at += name.size() + 1) {
    message.replace(at, place.size(), name + "=");
  }
  return message;
}

}  // namespace

TableSurvey::TableSurvey(const std::string& path, const TableOptions& options, int64_t most_rows)
    : path_(path), options_(options) {
  TableText text(path, options);
  names_ = text.names();
  unit_ = text.records().unit();
  header_ = text.has_header();
  delimiter_ = text.records().delimiter();
  for (size_t i = 0; i < names_.size(); ++i) {
    unnamed_.push_back(text.unnamed(static_cast<int64_t>(i)));
  }
  named_ = parse_types(options.types, names_);
  if (!options.weight.empty()) find_weight();
  statistics_.resize(names_.size(), ColumnStatistics(unit_));
  notes_ = text.notes();
  while ((most_rows == 0 || rows_ < most_rows) && text.next()) {
    ++rows_;
    for (size_t i = 0; i < statistics_.size(); ++i) add_cell(text, i, statistics_[i]);
  }
  check(rows_ > 0, "[table] ", path, ": holds no rows",
        header_ && !text.records().names_first() ? " below its header" : "");
  if (const auto blank = text.records().blank_lines(); blank > 0) {
    notes_.push_back(std::to_string(blank) + " blank lines skipped");
  }
  for (size_t i = 0; i < statistics_.size(); ++i) {
    if (!words(i)) statistics_[i].settle();
  }
  look_again();
}

/// The column of weights is none of the model's.
void TableSurvey::find_weight() {
  const auto& name = options_.weight;
  check(std::find(names_.begin(), names_.end(), name) != names_.end(), "[table] weight: ", path_,
        " has no column ", in_quotes(name), "; known: ", join(names_));
  check(named_.emplace(name, NamedType{"ignore", {}}).second, "[table] weight: column ",
        in_quotes(name), " has a type in --types, a weight has none");
}

void TableSurvey::add_cell(const TableText& text, size_t i, ColumnStatistics& statistics) const {
  const auto at = static_cast<int64_t>(i);
  const auto cell = trimmed(text.records().cell(at));
  if (text.missing(cell)) return statistics.add_missing(cell);
  if (!is_utf8(cell)) {
    text.refuse(at, "is not UTF-8 (iconv -f latin1 -t utf-8 turns most older files into it)");
  }
  try {
    statistics.add(cell, delimiter_ != ',', text.records().line());
  } catch (const Error& error) {
    if (given(i) != "ignore") text.refuse(at, error.what());
  }
}

/// The type that a person named; "" where none did.
std::string TableSurvey::given(size_t i) const {
  const auto at = named_.find(names_[i]);
  return at == named_.end() ? "" : at->second.type;
}

/// Whether the cells are words because a person said so.
bool TableSurvey::words(size_t i) const {
  const auto type = given(i);
  return type == "category" || type == "label" || type == "binary" || type == "ignore" ||
         type == "ordinal";
}

/// What the definite cells of all columns say about the decimal sign.
SpellingEvidence::Hint TableSurvey::decimal_hint() const {
  SpellingEvidence::Hint hint;
  hint.delimiter = delimiter_;
  hint.given = options_.decimal == "point" ? '.' : options_.decimal == "comma" ? ',' : 0;
  for (size_t i = 0; i < statistics_.size(); ++i) {
    if (words(i) || !statistics_[i].spelled_numbers()) continue;
    hint.comma = hint.comma || statistics_[i].evidence().decimal_comma();
    hint.point = hint.point || statistics_[i].evidence().decimal_point();
  }
  return hint;
}

/// The spelling of a column's numbers where it is not the usual one.
std::optional<Spelling> TableSurvey::own_spelling(size_t i, const SpellingEvidence::Hint& hint) {
  const auto& s = statistics_[i];
  const bool points = delimiter_ != ',' || hint.given != 0;
  if (words(i) || !s.spelled_numbers() || s.coded() || !s.evidence().needs_decision(points))
    return {};
  std::string example;
  const auto spelling = s.evidence().decide(hint, &example);
  if (!spelling) return {};
  s.refuse_odd("number");
  std::string note;
  if (!spelling->group.empty()) {
    note = "thousands are separated by " + in_quotes(spelling->group);
    if (!example.empty()) {
      note += ", e.g. " + example + " (--decimal " + (spelling->group == "," ? "comma" : "point") +
              " takes the sign for that of decimals)";
    }
  } else if (!example.empty()) {
    note = "the sign in " + example + " is that of decimals (--decimal " +
           (spelling->comma ? "point" : "comma") + " takes it for thousands)";
  }
  const auto add = [&](const std::string& more) { note += (note.empty() ? "" : ", ") + more; };
  if (!spelling->prefix.empty()) add("written with " + in_quotes(spelling->prefix));
  if (!spelling->suffix.empty()) add("written with " + in_quotes(spelling->suffix));
  if (spelling->parentheses) add("(1) is -1");
  if (!note.empty()) say(i, "numbers: " + note);
  return spelling;
}

/// Columns whose numbers are spelled in another way, or stretched by a few of them, are read again.
void TableSurvey::look_again() {
  const auto hint = decimal_hint();
  std::vector<size_t> which;
  auto second = statistics_;
  for (size_t i = 0; i < statistics_.size(); ++i) {
    second[i] = ColumnStatistics(unit_);
    bool again = false;
    try {
      if (const auto spelling = own_spelling(i, hint)) {
        const bool usual = spelling->plain() && (!spelling->comma || delimiter_ != ',');
        if (!usual) second[i].expect(*spelling);
        again = !usual;
      }
    } catch (const Error& error) {
      refuse(i, error.what());
    }
    if (const auto range =
            !again && !words(i) && is_real(i) ? statistics_[i].usual_range() : std::nullopt) {
      second[i].hold_within(range->first, range->second);
      again = true;
    }
    if (again) which.push_back(i);
  }
  if (which.empty()) return;
  TableText text(path_, options_);
  for (int64_t row = 0; row < rows_ && text.next(); ++row) {
    for (const size_t i : which) add_cell(text, i, second[i]);
  }
  for (const size_t i : which) {
    second[i].settle();
    take(i, second[i]);
  }
}

/// Whether a column will be one of real numbers, as far as its cells say.
bool TableSurvey::is_real(size_t i) const {
  const auto type = given(i);
  if (!type.empty()) return type == "real";
  try {
    std::string why;
    return statistics_[i].type(own_name(i), &why) == "real";
  } catch (const Error&) {
    return false;
  }
}

/// The second reading in place of the first, where it is the better one.
void TableSurvey::take(size_t i, ColumnStatistics& second) {
  constexpr int64_t kFewFar = 3, kShareFar = 1000;  // at most, of all cells
  const auto far = second.far();
  if (far > std::max(kFewFar, second.seen() / kShareFar)) return;  // a heavy tail
  if (far > 0) {
    say(i,
        second.first_far() + (far > 1 ? " and " + std::to_string(far - 1) + " more lie" : " lies") +
            " far outside of all others: scaled by the others, held at 30 deviations in training "
            "(--missing " +
            second.first_far().substr(0, second.first_far().find(' ')) + " leaves it out)");
  }
  statistics_[i] = std::move(second);
}

std::string TableSurvey::own_name(size_t i) const { return unnamed_[i] ? "" : names_[i]; }

void TableSurvey::say(size_t i, const std::string& what) {
  notes_.push_back("column " + in_quotes(names_[i]) + ": " + with_name(what, names_[i]));
}

void TableSurvey::refuse(size_t i, const std::string& what) const {
  fail(what.starts_with('[') ? "" : "[table] " + path_ + ": column " + in_quotes(names_[i]) + ": ",
       with_name(what, names_[i]));
}

Schemas TableSurvey::schemas() {
  Schemas schemas;
  Json columns = Json::array();
  bool holes = false;
  std::map<std::string, std::string> words;
  for (size_t i = 0; i < statistics_.size(); ++i) {
    const auto column = decide(i, schemas);
    if (!column) continue;
    columns.push_back(*column);
    holes = holes || statistics_[i].missing() > 0;
    if (const auto word = statistics_[i].hole(); !word.empty()) words[names_[i]] = word;
  }
  check(!columns.empty(), "[table] ", path_, ": no column to learn from: ", join(notes_, "; "));
  schemas.x = {{static_cast<int64_t>(columns.size())}, Kind::kTable, Json::object()};
  schemas.x.detail = {{"columns", columns},
                      {"missing", holes},
                      {"header", header_},
                      {"width", names_.size()},
                      {"delimiter", std::string(1, delimiter_)},
                      {"notes", notes_}};
  if (!words.empty()) schemas.x.detail["holes"] = words;
  if (!constants_.empty()) schemas.x.detail["constants"] = constants_;
  if (!options_.weight.empty()) schemas.x.detail["weight"] = options_.weight;
  return schemas;
}

void TableSurvey::leave_out(size_t i, const std::string& type, const std::string& why) {
  const bool constant = type == "constant";
  notes_.push_back(
      "column " + in_quotes(names_[i]) + " left out: " + why +
      with_name(constant ? "; score takes any other value for an anomaly (--types NAME=ignore: not)"
                : given(i).empty() && statistics_[i].seen() > 0 ? " (--types NAME=TYPE keeps it)"
                                                                : "",
                names_[i]));
  if (constant) constants_.push_back({{"name", names_[i]}, {"text", statistics_[i].constant()}});
}

void TableSurvey::say_decisions(size_t i, const std::string& type, TimeOrder order) {
  const auto& s = statistics_[i];
  if (const auto words = s.absent(); !words.empty()) {
    std::vector<std::string> list;
    for (const auto& [word, count] : words)
      list.push_back(in_quotes(word) + " (" + std::to_string(count) + ")");
    say(i, "missing cells: " + join(list) + " (--types NAME=category takes them as words)");
  }
  if (type == "date") {
    if (const auto said = s.said_of_times(order); !said.empty()) say(i, said);
  }
  if (given(i).empty() && type == "category" && s.coded()) {
    say(i, "codes, known by their spelling (--types NAME=real or count takes them as numbers)");
  }
}

/// The column, or nothing where it is left out or is the label.
std::optional<Column> TableSurvey::decide(size_t i, Schemas& schemas) {
  const auto& name = names_[i];
  if (!options_.weight.empty() && name == options_.weight) return {};
  const auto at = named_.find(name);
  try {
    std::string why = "as asked for";
    const auto type = at != named_.end() ? at->second.type : statistics_[i].type(own_name(i), &why);
    if (type == "ignore" || type == "constant") {
      leave_out(i, type, why);
      return {};
    }
    Column column;
    const bool listed = at != named_.end() && !at->second.classes.empty();
    if (listed && type != "date") {
      column.name = name;
      column.type = type;
      column.classes = at->second.classes;
    } else {
      column = statistics_[i].column(name, type, options_.most_classes,
                                     listed ? at->second.classes[0] : "");
    }
    say_decisions(i, type, column.order);
    if (type == "label") {
      check(!schemas.y.present(), "is a second label, a table has one");
      schemas.y = category_schema(column.classes);
      schemas.y.detail["column"] = name;
      return {};
    }
    return column;
  } catch (const Error& error) {
    refuse(i, error.what());
  }
}

}  // namespace elbo

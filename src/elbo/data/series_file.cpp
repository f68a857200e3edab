#include "elbo/data/series_file.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "elbo/core/registry.h"
#include "elbo/core/text.h"
#include "elbo/data/column_types.h"
#include "elbo/data/reader.h"
#include "elbo/data/series_column.h"
#include "elbo/data/series_labels.h"

namespace elbo {
namespace {

constexpr const char* kChange = "change of ";
/// Reads a file of steps and decides what its columns are for.
class SeriesText {
 public:
  SeriesText(const std::string& path, const SeriesOptions& o, int64_t most, const Schemas* like)
      : path_(path), o_(o), known_labels_(like ? &like->y : nullptr), text_(path, o) {
    if (like && like->x.detail.contains("changes")) like_ = like->x.detail;
    types_ = parse_types(o.types, names_and_types());
    columns_.resize(names().size());
    const bool comma = text_.records().delimiter() != ',';
    while ((most == 0 || steps_ < most) && text_.next()) {
      read_step(comma);
      ++steps_;
    }
    check(steps_ > 0, "[series] ", path, ": holds no steps");
  }

  RawSeries series() {
    raw_.notes = text_.notes();
    if (!like_.is_null()) raw_.roles = series_roles_from(like_);
    take_named_roles();
    find_time();
    find_entity();
    find_variables();
    check(!variables_.empty(), "[series] ", path_, ": holds no column of numbers");
    fill();
    return std::move(raw_);
  }

 private:
  const std::vector<std::string>& names() const { return text_.names(); }
  const SeriesColumn& column(int64_t i) const { return columns_[static_cast<size_t>(i)]; }
  const std::string& name(int64_t i) const { return names()[static_cast<size_t>(i)]; }
  int64_t place(const std::string& wanted) const {
    const auto at = std::find(names().begin(), names().end(), wanted);
    return at == names().end() || wanted.empty() ? -1 : at - names().begin();
  }
  [[noreturn]] void refuse(int64_t line, int64_t i, const std::string& what) const {
    fail("[series] ", path_, ": line ", line, ", column ", i + 1, " \"", name(i), "\": ", what);
  }

  /// A model's types may speak of columns that this file has not, its label for one.
  std::vector<std::string> names_and_types() const {
    auto all = names();
    if (like_.is_null()) return all;
    for (const auto& item : split_text(o_.types, ','))
      all.push_back(item.substr(0, item.find('=')));
    return all;
  }

  void read_step(bool comma) {
    const auto& records = text_.records();
    for (size_t i = 0; i < columns_.size(); ++i) {
      const auto cell = trimmed(records.cell(static_cast<int64_t>(i)));
      if (text_.missing(cell)) {
        columns_[i].add_missing(records.line());
        continue;
      }
      try {
        columns_[i].add(cell, comma, records.line());
      } catch (const Error& error) {
        text_.refuse(static_cast<int64_t>(i), error.what());
      }
    }
  }

  void take_named_roles() {
    use_.assign(names().size(), "");
    for (const auto& [column_name, named] : types_) {
      const auto i = place(column_name);
      if (i < 0) continue;
      const auto& type = named.type;
      const bool known = type == "real" || type == "label" || type == "date" || type == "ignore" ||
                         type == "binary" || type == "ordinal";
      check(known, "[series] types: ", column_name, "=", type,
            "; columns of a series are real, binary, ordinal(LOW|HIGH), label, date or ignore");
      use_[static_cast<size_t>(i)] = type;
      if (type == "label") raw_.roles.label = column_name;
      if (type == "date") raw_.roles.time = column_name;
    }
    if (o_.entity == "none") raw_.roles.entity.clear();
    if (o_.entity != "auto" && o_.entity != "none") {
      raw_.roles.entity = o_.entity;
      check(place(o_.entity) >= 0, "[series] ", path_, ": entity: no column \"", o_.entity,
            "\"; known: ", join(names()));
    }
    for (const auto* role : {&raw_.roles.time, &raw_.roles.entity, &raw_.roles.label}) take(*role);
  }

  /// The column is no variable.
  void take(const std::string& role) {
    if (const auto i = place(role); i >= 0 && use_[static_cast<size_t>(i)].empty()) {
      use_[static_cast<size_t>(i)] = "role";
    }
  }
  bool is_free(int64_t i) const { return use_[static_cast<size_t>(i)].empty(); }
  bool is_known_variable(int64_t i) const {
    const auto wanted = like_.is_null() ? Json::array() : like_.value("columns", Json::array());
    return std::any_of(wanted.begin(), wanted.end(),
                       [&](const Json& c) { return c == name(i) || c == kChange + name(i); });
  }

  void find_time() {
    const bool known = !like_.is_null() && like_.contains("series");
    auto& roles = raw_.roles;
    if (roles.time.empty() && !known) roles.time = guessed_time();
    time_ = place(roles.time);
    if (time_ < 0) return;
    take(roles.time);
    const auto missing = column(time_).first_missing_line();
    if (missing > 0) refuse(missing, time_, "the time is missing");
    if (!known || !column(time_).times().may_be(roles.order)) roles.order = order();
    seconds_.clear();
    for (int64_t t = 0; t < steps_; ++t) {
      seconds_.push_back(*parse_time(column(time_).text(t), roles.order));
    }
    const bool plain = roles.order == TimeOrder::kYmd && place(roles.time) == 0;
    if (!known && !plain) {
      note("column \"" + roles.time + "\" is the time, read as " + spoken_order(roles.order) +
           " (--types \"" + roles.time + "=ignore\" leaves it out)");
    }
  }

  TimeOrder order() const {
    const auto given = types_.find(name(time_));
    const bool named = given != types_.end() && !given->second.classes.empty();
    return time_order_of(column(time_), named ? given->second.classes[0] : "", path_, name(time_));
  }

  std::string guessed_time() const {
    for (int64_t i = 0; i < width(); ++i) {
      const auto& times = column(i).times();
      if (is_free(i) && !is_known_variable(i) && times.order() && times.spelled()) return name(i);
    }
    for (int64_t i = 0; i < width(); ++i) {
      const bool numbers = is_free(i) && !is_known_variable(i) && column(i).times().order();
      const bool unnamed = i == 0 && !text_.has_header();
      if (numbers && (names_time(name(i)) || (unnamed && rises(i)))) return name(i);
    }
    return "";
  }

  bool rises(int64_t i) const {
    const auto& numbers = column(i).numbers();
    return std::is_sorted(numbers.begin(), numbers.end());
  }

  void find_entity() {
    auto& roles = raw_.roles;
    const bool known = !like_.is_null() && like_.contains("series");
    if (roles.entity.empty() && !known && o_.entity == "auto") roles.entity = guessed_entity();
    entity_ = place(roles.entity);
    check(roles.entity.empty() || entity_ >= 0, "[series] ", path_, ": lacks the column \"",
          roles.entity, "\", which tells the model's series apart; found: ", join(names()));
    take(roles.entity);
  }

  /// Steps at which time begins anew, or without a time each counter of steps.
  std::vector<std::vector<int64_t>> restarts() const {
    std::vector<std::vector<int64_t>> all(1);
    for (size_t t = 1; t < seconds_.size(); ++t) {
      if (seconds_[t] < seconds_[t - 1]) all[0].push_back(static_cast<int64_t>(t));
    }
    std::vector<int64_t> found;
    for (int64_t i = 0; time_ < 0 && i < width(); ++i) {
      if (is_free(i) && column(i).counts(&found)) all.push_back(found);
    }
    return all;
  }

  std::string guessed_entity() {
    for (const auto& found : restarts()) {
      for (int64_t i = 0; !found.empty() && i < width(); ++i) {
        if (!is_free(i) || !explains(i, found)) continue;
        note("column \"" + name(i) + "\" names " + std::to_string(runs_of(i)) +
             " series, which no window spans (--entity none reads one series)");
        return name(i);
      }
    }
    return "";
  }

  int64_t runs_of(int64_t i) const {
    const auto begins = column(i).runs();
    return std::count(begins.begin(), begins.end(), true);
  }

  /// Whether each value of a column comes in one run, and a run begins at each of the steps.
  bool explains(int64_t i, const std::vector<int64_t>& steps) const {
    const bool whole = column(i).seen() == steps_ && !names_calendar(name(i));
    if (!whole || !column(i).in_runs()) return false;
    const auto begins = column(i).runs();
    constexpr int64_t kShortest = 4;  // steps of an entity on average: less may be a measurement
    const auto runs = runs_of(i);
    return kShortest * runs <= steps_ && runs <= 2 * static_cast<int64_t>(steps.size()) + 1 &&
           std::all_of(steps.begin(), steps.end(),
                       [&](int64_t t) { return begins[static_cast<size_t>(t)]; });
  }

  void find_variables() {
    if (!like_.is_null()) return find_known_variables();
    for (int64_t i = 0; i < width(); ++i) {
      const auto& use = use_[static_cast<size_t>(i)];
      if (use.empty() ? is_variable(i) : use == "real" || use == "binary" || use == "ordinal") {
        add_variable(i);
      }
    }
  }

  /// Steps of the file at which an entity begins, but the first.
  std::vector<int64_t> entity_begins() const {
    std::vector<int64_t> begins;
    if (entity_ < 0) return begins;
    const auto runs = column(entity_).runs();
    for (int64_t t = 1; t < steps_; ++t) {
      if (runs[static_cast<size_t>(t)]) begins.push_back(t);
    }
    return begins;
  }

  /// Whether a column that nobody has named is one; a note says why not.
  bool is_variable(int64_t i) {
    const auto& c = column(i);
    const auto leave_out = [&](const std::string& why) {
      note("column \"" + name(i) + "\" left out: " + why);
      return false;
    };
    if (c.times().order() && c.times().spelled()) {
      return ++raw_.other_times, leave_out("dates beside the time column");
    }
    std::vector<int64_t> again;
    constexpr int64_t kFew = 20;
    if (c.size() >= kFew && c.counts(&again) && (again.empty() || again == entity_begins())) {
      return leave_out("a running number");
    }
    if (c.size() >= kFew && c.all_words() && c.words().size() == 1) {
      return leave_out("constant: every value is \"" + c.words()[0] + "\"");
    }
    return true;
  }

  void find_known_variables() {
    const auto wanted = like_.value("columns", Json::array());
    std::vector<int64_t> free;
    for (int64_t i = 0; i < width(); ++i) {
      if (is_free(i)) free.push_back(i);
    }
    for (size_t k = 0; k < wanted.size(); ++k) {
      auto title = wanted[k].get<std::string>();
      if (title.starts_with(kChange)) title = title.substr(std::string(kChange).size());
      const bool placed = place(title) < 0 && !text_.has_header() && free.size() == wanted.size();
      const auto i = placed ? free[k] : place(title);
      check(i >= 0, "[series] ", path_, ": lacks the column \"", title,
            "\", which the model was trained on; found: ", join(names()));
      add_variable(i);
      use_[static_cast<size_t>(i)] = "role";
    }
    for (int64_t i = 0; i < width(); ++i) {
      if (is_free(i)) note("column \"" + name(i) + "\" left out: the model does not know it");
    }
  }

  /// Words become numbers: by the model, by the list given, or two words in their order.
  void add_variable(int64_t i) {
    const auto& c = column(i);
    variables_.push_back(i);
    if (c.words().empty() && c.all_numbers()) return;
    auto& states = raw_.roles.states;
    if (states.count(name(i)) == 0) {
      const auto given = types_.find(name(i));
      if (given != types_.end() && !given->second.classes.empty()) {
        states[name(i)] = given->second.classes;
      } else if (c.all_words() && c.words().size() == 2) {
        states[name(i)] = c.words();
        std::sort(states[name(i)].begin(), states[name(i)].end());
      } else {
        refuse_words(i);
      }
      const auto& words = states[name(i)];
      std::string list;
      for (size_t k = 0; k < words.size(); ++k)
        list += (k ? ", " : "") + words[k] + " = " + std::to_string(k);
      note("column \"" + name(i) + "\": " + list);
    }
    const auto& words = states[name(i)];
    for (const auto& word : c.words()) {
      check(std::find(words.begin(), words.end(), word) != words.end(), "[series] ", path_,
            ": column \"", name(i), "\": found \"", word, "\", allowed: ", join(words));
    }
    check(c.all_words(), "[series] ", path_, ": column \"", name(i), "\": holds numbers beside \"",
          join(c.words()), "\"");
  }

  [[noreturn]] void refuse_words(int64_t i) const {
    const auto& c = column(i);
    const auto& words = c.words();
    const std::string first = words.empty() ? c.text(0) : words[0];
    const bool states = c.all_words() && words.size() > 2 && words.size() <= 20;
    refuse(c.first_word_line(), i,
           "\"" + first + "\" is not a number; name the column's use as in --types \"" + name(i) +
               "=ignore\" (or label, date" +
               (states ? ", ordinal(" + join(words, "|") + ") where its words have an order" : "") +
               "), or read that word as a missing cell by --missing \"" + first + "\"");
  }

  void fill() {
    const auto order = steps_by_entity();
    const auto columns = static_cast<int64_t>(variables_.size());
    raw_.values = torch::empty({steps_, columns}, torch::kFloat64);
    auto* out = raw_.values.data_ptr<double>();
    for (const int64_t t : order) {
      for (const int64_t i : variables_) *out++ = value(i, t);
    }
    for (const int64_t i : variables_) raw_.columns.push_back(name(i));
    std::vector<int64_t> labels;
    StepLabels classes(known_labels_);
    const auto label = place(raw_.roles.label);
    for (const int64_t t : order) {
      if (time_ >= 0) raw_.seconds.push_back(seconds_[static_cast<size_t>(t)]);
      auto title = time_ >= 0 ? column(time_).text(t) : std::to_string(t);
      if (entity_ >= 0) title = column(entity_).text(t) + " " + title;
      raw_.names.push_back(std::move(title));
      if (label < 0) continue;
      const auto cell = column(label).text(t);
      labels.push_back(cell.empty() ? -1 : classes.of(cell));
    }
    if (label < 0 || classes.names().empty()) return;
    raw_.labels = torch::tensor(labels, torch::kInt64);
    raw_.y = category_schema(classes.names());
    if (!classes.two()) raw_.y.detail["column"] = name(label);
  }

  double value(int64_t i, int64_t t) const {
    const auto& c = column(i);
    if (c.word(t) < 0) return c.number(t);
    const auto& words = raw_.roles.states.at(name(i));
    const auto& word = c.words()[static_cast<size_t>(c.word(t))];
    return static_cast<double>(std::find(words.begin(), words.end(), word) - words.begin());
  }

  /// The steps, those of one entity together, in the order of the file otherwise.
  std::vector<int64_t> steps_by_entity() {
    std::vector<int64_t> order(static_cast<size_t>(steps_)), group(static_cast<size_t>(steps_), 0);
    for (int64_t t = 0; t < steps_; ++t) order[static_cast<size_t>(t)] = t;
    if (entity_ < 0) return order;
    std::unordered_map<std::string, int64_t> known;
    for (int64_t t = 0; t < steps_; ++t) {
      const auto at = known.emplace(column(entity_).text(t), static_cast<int64_t>(known.size()));
      group[static_cast<size_t>(t)] = at.first->second;
    }
    const auto of = [&](int64_t t) { return group[static_cast<size_t>(t)]; };
    std::stable_sort(order.begin(), order.end(),
                     [&](int64_t a, int64_t b) { return of(a) < of(b); });
    for (size_t k = 1; k < order.size(); ++k) {
      if (of(order[k]) != of(order[k - 1])) raw_.begins.push_back(static_cast<int64_t>(k));
    }
    return order;
  }

  int64_t width() const { return static_cast<int64_t>(columns_.size()); }
  void note(const std::string& text) { raw_.notes.push_back(text); }

  const std::string& path_;
  const SeriesOptions& o_;
  const Schema* known_labels_;
  Json like_;  // what a model remembers of its series; null = nothing
  TableText text_;
  std::map<std::string, NamedType> types_;
  std::vector<SeriesColumn> columns_;
  std::vector<std::string> use_;  // of each column: its type, "role", or nothing yet
  std::vector<double> seconds_;
  std::vector<int64_t> variables_;
  int64_t steps_ = 0, time_ = -1, entity_ = -1;
  RawSeries raw_;
};

}  // namespace

RawSeries read_series_text(const std::string& path, const SeriesOptions& options, int64_t most,
                           const Schemas* like) {
  return SeriesText(path, options, most, like).series();
}

}  // namespace elbo

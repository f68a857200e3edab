#include <algorithm>
#include <cmath>
#include <limits>

#include "elbo/data/column_types.h"
#include "elbo/data/reader.h"
#include "elbo/data/table.h"
#include "elbo/data/windows.h"
#include "elbo/io/file.h"
#include "elbo/io/npy.h"

namespace elbo {
namespace {

struct SeriesOptions : TableOptions {
  int64_t window = 1, stride = 1;
  std::string changes = "auto";
  double gap = 10;
  template <class F>
  void fields(F&& f) {
    TableOptions::fields(f);
    f("window", window, "steps per row (the length of a window)", between(1, 100000));
    f("stride", stride, "steps from one window to the next", between(1, 100000));
    f("changes", changes,
      "columns read as differences between steps (auto = only non-stationary ones)",
      one_of({"auto", "none", "all"}));
    f("gap", gap, "shortest pause, in typical steps, that counts as a gap; windows never span gaps",
      at_least(1));
  }
};

/// A file of steps as it was read, before anything is done about it.
struct RawSeries {
  Steps steps;
  std::vector<std::string> columns;
  std::vector<double> seconds;  // empty without a time column
  Json notes = Json::array();
};

/// What the columns of a text file are for.
struct SeriesRoles {
  int64_t time = -1, label = -1;
  std::vector<int64_t> numbers;
};

SeriesRoles series_roles(const TableText& text, const SeriesOptions& o) {
  const auto& names = text.names();
  const auto types = parse_types(o.types, names);
  SeriesRoles roles;
  for (size_t i = 0; i < names.size(); ++i) {
    const auto at = types.find(names[i]);
    const auto type = at == types.end() ? "" : at->second.type;
    const auto place = static_cast<int64_t>(i);
    if (type == "ignore") continue;
    if (type == "label") {
      roles.label = place;
    } else if (type == "date") {
      roles.time = place;
    } else {
      check(type.empty() || type == "real", "[series] types: ", names[i], "=", type,
            "; columns of a series are real, label, date or ignore");
      roles.numbers.push_back(place);
    }
  }
  return roles;
}

/// A first column of dates is the time where nobody says otherwise.
void find_time(SeriesRoles& roles, const TableText& text) {
  const bool free = roles.time < 0 && !roles.numbers.empty() && roles.numbers[0] == 0;
  if (!free || !parse_date(trimmed(text.records().cell(0)))) return;
  roles.time = 0;
  roles.numbers.erase(roles.numbers.begin());
}

/// 0 is normal, another number or word an anomaly.
int64_t label_of(std::string_view cell) {
  const auto number = parse_number(cell, true);
  if (number) return *number != 0;
  return cell != "normal" && cell != "no" && cell != "false" && cell != "False";
}

RawSeries read_text(const std::string& path, const SeriesOptions& o, int64_t most) {
  TableText text(path, o);
  auto roles = series_roles(text, o);
  RawSeries raw;
  std::vector<float> values;
  std::vector<int64_t> labels;
  int64_t n = 0;
  while ((most == 0 || n < most) && text.next()) {
    if (n == 0) find_time(roles, text);
    const auto cell = [&](int64_t i) { return trimmed(text.records().cell(i)); };
    for (int64_t i : roles.numbers) {
      values.push_back(text.number(i));
    }
    if (roles.time >= 0) {
      const auto time = parse_date(cell(roles.time));
      if (!time) text.refuse(roles.time, "\"" + std::string(cell(roles.time)) + "\" is not a date");
      raw.seconds.push_back(*time);
      raw.steps.names.emplace_back(cell(roles.time));
    } else {
      raw.steps.names.push_back(std::to_string(n));
    }
    if (roles.label >= 0) {
      labels.push_back(text.missing(cell(roles.label)) ? -1 : label_of(cell(roles.label)));
    }
    ++n;
  }
  check(n > 0 && !roles.numbers.empty(), "[series] ", path, ": holds no ",
        n > 0 ? "column of numbers" : "steps");
  for (int64_t i : roles.numbers) raw.columns.push_back(text.names()[static_cast<size_t>(i)]);
  raw.steps.values = torch::tensor(values).view({n, -1});
  if (roles.label >= 0) raw.steps.labels = torch::tensor(labels, torch::kInt64);
  return raw;
}

RawSeries read_array(const std::string& path, int64_t most) {
  RawSeries raw;
  auto x = parse_npy(read_maybe_gzip(path), path);
  check(x.dim() == 1 || x.dim() == 2, "[series] ", path, ": has ", x.dim(),
        " axes, expected steps x columns");
  if (x.dim() == 1) x = x.unsqueeze(1);
  if (most > 0) x = x.narrow(0, 0, std::min(most, x.size(0)));
  check(x.numel() > 0, "[series] ", path, ": holds no steps");
  raw.steps.values = x.to(torch::kFloat32).contiguous();
  for (int64_t i = 0; i < x.size(0); ++i) raw.steps.names.push_back(std::to_string(i));
  for (int64_t i = 0; i < x.size(1); ++i) raw.columns.push_back("x" + std::to_string(i));
  return raw;
}

void find_gaps(RawSeries& raw, double gap, const std::string& path) {
  const auto& t = raw.seconds;
  if (t.size() < 3) return;
  std::vector<double> pauses;
  for (size_t i = 1; i < t.size(); ++i) {
    check(t[i] >= t[i - 1], "[series] ", path, ": step ", i + 1, " (", raw.steps.names[i],
          ") is earlier than the one before; sort the rows by time");
    pauses.push_back(t[i] - t[i - 1]);
  }
  auto sorted = pauses;
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<int64_t>(sorted.size() / 2),
                   sorted.end());
  const double usual = sorted[sorted.size() / 2];
  double longest = 0;
  for (size_t i = 0; i < pauses.size(); ++i) {
    if (pauses[i] <= gap * usual) continue;
    raw.steps.begins.push_back(static_cast<int64_t>(i) + 1);
    longest = std::max(longest, pauses[i]);
  }
  const auto gaps = raw.steps.begins.size() - 1;
  if (gaps == 0) return;
  std::ostringstream note;
  note << gaps << (gaps == 1 ? " gap" : " gaps") << " in time, the longest of " << longest
       << " s where " << usual << " s are usual";
  raw.notes.push_back(note.str());
}

/// Whether a good part of a column's variance lies between eight stretches of time: it wanders, and
/// where it will be later cannot be told from where it was. x: [T] without missing cells.
bool wanders(const Tensor& x) {
  constexpr int64_t kStretches = 8;
  constexpr double kWandering = 0.3;
  const int64_t length = x.size(0) / kStretches;
  if (length < 4) return false;
  const auto stretches = x.narrow(0, 0, length * kStretches).view({kStretches, length});
  const auto all = stretches.var(false), between = stretches.mean(1).var(false);
  return between.item<double>() > kWandering * all.item<double>();
}

std::vector<bool> columns_as_changes(const Tensor& values, const std::string& how) {
  std::vector<bool> list;
  for (int64_t c = 0; c < values.size(1); ++c) {
    const auto x = values.select(1, c).to(torch::kFloat64);
    list.push_back(how == "all" || (how == "auto" && wanders(x.masked_select(x.isfinite()))));
  }
  return list;
}

/// Changes from the step before; 0 behind a gap.
void take_changes(Steps& steps, const std::vector<bool>& columns) {
  const int64_t n = steps.values.size(0);
  for (size_t c = 0; c < columns.size(); ++c) {
    if (!columns[c]) continue;
    auto x = steps.values.select(1, static_cast<int64_t>(c));
    auto change = torch::zeros_like(x);
    change.narrow(0, 1, n - 1).copy_(x.narrow(0, 1, n - 1) - x.narrow(0, 0, n - 1));
    for (int64_t begin : steps.begins) change[begin] = 0;
    x.copy_(change);
  }
}

/// Mean and deviation of each column over time, for each step of a window.
void add_moments(Schema& schema, const Tensor& values, int64_t window) {
  std::vector<double> loc, scale;
  for (int64_t c = 0; c < values.size(1); ++c) {
    const auto x = values.select(1, c).to(torch::kFloat64);
    const auto seen = x.masked_select(x.isfinite()).unsqueeze(1);
    const auto one = seen.numel() > 0 ? real_schema(seen).detail : Json();
    loc.push_back(one.is_null() ? 0.0 : one["loc"][0].get<double>());
    scale.push_back(one.is_null() ? 1.0 : one["scale"][0].get<double>());
  }
  for (int64_t k = 0; k < window; ++k) {
    for (size_t c = 0; c < loc.size(); ++c) {
      schema.detail["loc"].push_back(loc[c]);
      schema.detail["scale"].push_back(scale[c]);
    }
  }
}

class SeriesReader : public Reader {
 public:
  explicit SeriesReader(SeriesOptions options) : o_(std::move(options)) {}
  bool accepts(const std::string&) const override { return false; }  // "series:FILE" only

  Data open(const std::string& path, const DataOptions& options) const override {
    const auto where = "series " + path;
    refuse_resize(options, where);
    refuse_test(options, where);
    const bool known = options.like && options.like->x.detail.contains("changes");
    if (!known) check_source(path, o_);
    auto raw = path.ends_with(".npy") || path.ends_with(".npy.gz")
                   ? read_array(path, options.rows)
                   : read_text(path, o_, options.rows);
    find_gaps(raw, o_.gap, path);
    const auto changes = known ? options.like->x.detail["changes"].get<std::vector<bool>>()
                               : columns_as_changes(raw.steps.values, o_.changes);
    check(changes.size() == raw.columns.size(), "[series] ", path, ": ", raw.columns.size(),
          " columns, the model was trained on ", changes.size());
    take_changes(raw.steps, changes);
    auto schemas = known ? Schemas{options.like->x, {}, {}} : describe_steps(raw, changes);
    schemas.x.detail["notes"] = raw.notes;
    check_names(raw, schemas.x, path);
    if (raw.steps.labels.defined()) schemas.y = category_schema({"normal", "anomaly"});
    return windows(std::move(raw.steps), o_.window, o_.stride, schemas);
  }

 private:
  Schemas describe_steps(const RawSeries& raw, const std::vector<bool>& changes) const {
    Schemas schemas;
    const auto columns = static_cast<int64_t>(raw.columns.size());
    auto& x = schemas.x;
    x = {o_.window > 1 ? Shape{o_.window, columns} : Shape{columns}, Kind::kReal, Json::object()};
    Json names = raw.columns;
    for (size_t c = 0; c < changes.size(); ++c) {
      if (changes[c]) names[c] = "change of " + raw.columns[c];
    }
    x.detail = {{"columns", names},
                {"changes", changes},
                {"missing", raw.steps.values.isnan().any().item<bool>()}};
    add_moments(x, raw.steps.values, o_.window);
    return schemas;
  }

  static void check_names(const RawSeries& raw, const Schema& x, const std::string& path) {
    check(x.detail.value("columns", Json()).size() == raw.columns.size(), "[series] ", path, ": ",
          raw.columns.size(), " columns, the model's schema names ",
          x.detail.value("columns", Json()).size());
    for (size_t c = 0; c < raw.columns.size(); ++c) {
      const auto wanted = x.detail["columns"][c].get<std::string>();
      check(wanted == raw.columns[c] || wanted == "change of " + raw.columns[c], "[series] ", path,
            ": column ", c + 1, " is \"", raw.columns[c], "\", the model was trained on \"", wanted,
            "\"");
    }
  }

  SeriesOptions o_;
};

const bool added = readers().add<SeriesOptions>(
    "series",
    "steps in the order of time: series:FILE.csv (a time column or none), series:FILE.npy",
    [](const SeriesOptions& options) { return std::make_shared<SeriesReader>(options); });

}  // namespace
}  // namespace elbo

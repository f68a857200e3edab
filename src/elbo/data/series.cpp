#include <algorithm>

#include "elbo/core/text.h"
#include "elbo/data/open.h"
#include "elbo/data/reader.h"
#include "elbo/data/series_file.h"
#include "elbo/data/windows.h"

namespace elbo {
namespace {

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

/// Changes from the step before; 0 behind a gap. values: [T, C] float64.
void take_changes(Tensor& values, const std::vector<int64_t>& begins,
                  const std::vector<bool>& columns) {
  const int64_t n = values.size(0);
  for (size_t c = 0; c < columns.size(); ++c) {
    if (!columns[c]) continue;
    auto x = values.select(1, static_cast<int64_t>(c));
    auto change = torch::zeros_like(x);
    change.narrow(0, 1, n - 1).copy_(x.narrow(0, 1, n - 1) - x.narrow(0, 0, n - 1));
    for (int64_t begin : begins) change[begin] = 0;
    x.copy_(change);
  }
}

/// Mean and deviation of each column over time, for each step of a window.
void add_moments(Schema& schema, const Tensor& values, int64_t window) {
  std::vector<double> loc, scale;
  for (int64_t c = 0; c < values.size(1); ++c) {
    const auto x = values.select(1, c);
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

/// The origin of each column, for each step of a window; undefined where all are near zero.
Tensor column_origins(const RawSeries& raw) {
  std::vector<double> origins;
  for (int64_t c = 0; c < raw.values.size(1); ++c) {
    const auto x = raw.values.select(1, c);
    const auto seen = x.masked_select(x.isfinite());
    if (seen.numel() == 0) {
      origins.push_back(0);
      continue;
    }
    const auto moments = real_schema(seen.unsqueeze(1)).detail;
    origins.push_back(
        far_origin(moments["loc"][0], moments["scale"][0], seen.abs().max().item<double>()));
  }
  const auto all = torch::tensor(origins, torch::kFloat64);
  return all.any().item<bool>() ? all.view({1, -1}) : Tensor();
}

class SeriesReader : public Reader {
 public:
  explicit SeriesReader(SeriesOptions options) : o_(std::move(options)) {
    check(o_.weight.empty(),
          "[series] weight: windows of a series count the same, leave out --weight");
  }
  bool accepts(const std::string&) const override { return false; }  // "series:FILE" only

  Data open(const std::string& path, const DataOptions& options) const override {
    const auto where = "series " + path;
    refuse_resize(options, where);
    refuse_test(options, where);
    const bool known = options.like && options.like->x.detail.contains("changes");
    if (!known) check_source(path, o_);
    const auto like = known ? options.like->x.detail : Json();
    const auto name = lower_case(path);
    auto raw = name.ends_with(".npy") || name.ends_with(".npy.gz")
                   ? read_series_array(path, options.rows)
                   : read_series_text(path, o_, options.rows, options.like.get());
    find_gaps(raw, o_.gap, path);
    const auto changes = known ? like["changes"].get<std::vector<bool>>()
                               : columns_as_changes(raw.values, o_.changes);
    check(changes.size() == raw.columns.size(), "[series] ", path, ": ", raw.columns.size(),
          " columns, the model was trained on ", changes.size());
    take_changes(raw.values, raw.begins, changes);
    auto schemas = known ? Schemas{options.like->x, {}, {}} : describe_steps(raw, changes);
    const auto shape = row_shape(static_cast<int64_t>(raw.columns.size()));
    check(schemas.x.shape == shape, "[series] ", path, ": rows of window ", o_.window,
          " have the shape ", to_string(shape), ", the model reads ", to_string(schemas.x.shape));
    schemas.x.detail["notes"] = raw.notes;
    check_names(raw, schemas.x, path);
    if (raw.labels.defined()) schemas.y = raw.y;
    if (const auto origin = schemas.x.origin(); origin.defined()) {
      raw.values -= origin.view({-1, raw.values.size(1)})[0];
    }
    Steps steps{raw.values.to(torch::kFloat32), raw.labels, std::move(raw.names), raw.begins};
    return windows(std::move(steps), o_.window, o_.stride, schemas);
  }

 private:
  Shape row_shape(int64_t columns) const {
    return o_.window > 1 ? Shape{o_.window, columns} : Shape{columns};
  }

  Schemas describe_steps(RawSeries& raw, const std::vector<bool>& changes) const {
    Schemas schemas;
    const auto columns = static_cast<int64_t>(raw.columns.size());
    auto& x = schemas.x;
    x = {row_shape(columns), Kind::kReal, Json::object()};
    Json names = raw.columns;
    for (size_t c = 0; c < changes.size(); ++c) {
      if (changes[c]) names[c] = "change of " + raw.columns[c];
    }
    x.detail = {{"columns", names},
                {"changes", changes},
                {"missing", raw.values.isnan().any().item<bool>()}};
    x.detail["series"] = to_json(raw.roles);
    auto values = raw.values;
    if (const auto origin = column_origins(raw); origin.defined()) {
      set_origin(x, origin.repeat({1, numel(x.shape) / columns}));
      values = values - origin;
      raw.notes.push_back(origin_note(x));
    }
    add_moments(x, values, o_.window);
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

const bool series_added = readers().add<SeriesOptions>(
    "series",
    "steps in the order of time: series:FILE.csv (a time column or none), series:FILE.npy",
    [](const SeriesOptions& options) { return std::make_shared<SeriesReader>(options); });

}  // namespace
}  // namespace elbo

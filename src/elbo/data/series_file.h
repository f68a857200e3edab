#pragma once

#include <map>
#include <string>
#include <vector>

#include "elbo/data/table.h"
#include "elbo/data/times.h"

namespace elbo {

struct SeriesOptions : TableOptions {
  int64_t window = 1, stride = 1;
  std::string changes = "auto", entity = "auto";
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
    f("entity", entity,
      "column that names the machine, person or run of each step; windows never span two of them "
      "(auto = where times or a counter begin anew with each of its values, none = one series)");
  }
};

/// What a model remembers of how its series was read: names of columns, words as numbers.
struct SeriesRoles {
  std::string time, entity, label;  // empty = none
  TimeOrder order = TimeOrder::kYmd;
  std::map<std::string, std::vector<std::string>> states;  // word k is the number k
};
Json to_json(const SeriesRoles& roles);
SeriesRoles series_roles_from(const Json& detail);

/// A file of steps as it was read, before anything is done about it.
struct RawSeries {
  Tensor values;                            // [T, C] float64, NaN where a cell is missing
  Tensor labels;                            // [T] int64, -1 = unknown; undefined = none
  Schema y;                                 // of the labels
  std::vector<std::string> names, columns;  // of the steps, of the values
  std::vector<double> seconds;              // empty without a time column
  std::vector<int64_t> begins = {0};        // first steps of an entity, or behind a gap
  SeriesRoles roles;
  int64_t other_times = 0;  // columns of dates beside the time, left out
  std::vector<std::string> notes;
};

/// The first `most` steps (0 = all) of delimited text. `like`: the schemas of a model that knows
/// the columns and labels already, else null. Steps of one entity lie together in the result.
RawSeries read_series_text(const std::string& path, const SeriesOptions& options, int64_t most,
                           const Schemas* like);
/// The same of an array, steps x columns.
RawSeries read_series_array(const std::string& path, int64_t most);

/// Finds pauses in time, which begin new pieces, and sets clocks that were set back for winter on.
/// Raises an Error where a step is earlier than the one before.
void find_gaps(RawSeries& raw, double gap, const std::string& path);

}  // namespace elbo

#include <algorithm>

#include "elbo/core/registry.h"
#include "elbo/core/text.h"
#include "elbo/data/series_column.h"
#include "elbo/data/series_file.h"
#include "elbo/io/file.h"
#include "elbo/io/npy.h"

namespace elbo {
namespace {

/// Of two orders that fit all cells the one in which time goes on.
TimeOrder later_order(const SeriesColumn& column, const std::string& path,
                      const std::string& name) {
  int64_t back[2] = {0, 0};
  for (int k = 0; k < 2; ++k) {
    const auto order = k == 0 ? TimeOrder::kDmy : TimeOrder::kMdy;
    double before = 0;
    for (int64_t t = 0; t < column.size(); ++t) {
      const double now = *parse_time(column.text(t), order);
      back[k] += t > 0 && now < before;
      before = now;
    }
  }
  const auto first = column.text(0);
  const bool points = first.find('.') < 3;
  if (back[0] < back[1] || (back[0] == back[1] && points)) return TimeOrder::kDmy;
  if (back[1] < back[0]) return TimeOrder::kMdy;
  fail("[series] ", path, ": column \"", name, "\": \"", first,
       "\" may begin with the day or the month; say --types \"", name, "=date(dmy)\" or \"", name,
       "=date(mdy)\"");
}

[[noreturn]] void refuse_times(const SeriesColumn& column, const std::string& path,
                               const std::string& name) {
  const auto where = "[series] " + path + ": column \"" + name + "\": ";
  for (int64_t t = 0; t < column.size(); ++t) {
    TimeEvidence one;
    one.add(column.text(t));
    if (!one.order()) fail(where, "\"", column.text(t), "\" (step ", t + 1, ") is not a date");
  }
  fail(where, "its dates have no order in common, e.g. \"", column.text(0), "\"");
}

}  // namespace

bool names_calendar(const std::string& name) {
  const auto small = lower_case(name);
  for (const char* part : {"year", "month", "week", "day", "hour", "date"}) {
    if (small.find(part) != std::string::npos) return true;
  }
  return false;
}

TimeOrder time_order_of(const SeriesColumn& column, const std::string& given,
                        const std::string& path, const std::string& name) {
  const auto& times = column.times();
  if (!given.empty()) {
    const auto order = time_order_named(given);
    check(order.has_value(), "[series] types: ", name, "=date(", given,
          "); known: ymd, dmy, mdy, compact, s, ms, us");
    check(times.may_be(*order), "[series] ", path, ": column \"", name, "\": not all cells are ",
          spoken_order(*order), ", e.g. \"", column.text(0), "\"");
    return *order;
  }
  if (!times.order()) refuse_times(column, path, name);
  return times.ambiguous() ? later_order(column, path, name) : *times.order();
}

Json to_json(const SeriesRoles& roles) {
  Json j = Json::object();
  if (!roles.time.empty()) j.update({{"time", roles.time}, {"order", to_string(roles.order)}});
  if (!roles.entity.empty()) j["entity"] = roles.entity;
  if (!roles.label.empty()) j["label"] = roles.label;
  if (!roles.states.empty()) j["states"] = roles.states;
  return j;
}

SeriesRoles series_roles_from(const Json& detail) {
  SeriesRoles roles;
  const auto j = detail.value("series", Json::object());
  if (!j.is_object()) return roles;
  try {
    roles.time = j.value("time", "");
    roles.entity = j.value("entity", "");
    roles.label = j.value("label", "");
    roles.order = time_order_named(j.value("order", "ymd")).value_or(TimeOrder::kYmd);
    roles.states = j.value("states", roles.states);
  } catch (const Json::exception& e) {
    fail("[series] schema: ", e.what());
  }
  return roles;
}

RawSeries read_series_array(const std::string& path, int64_t most) {
  RawSeries raw;
  auto x = parse_npy(read_maybe_gzip(path), path);
  check(x.dim() == 1 || x.dim() == 2, "[series] ", path, ": has ", x.dim(),
        " axes, expected steps x columns");
  if (x.dim() == 1) x = x.unsqueeze(1);
  if (most > 0) x = x.narrow(0, 0, std::min(most, x.size(0)));
  check(x.numel() > 0, "[series] ", path, ": holds no steps");
  raw.values = x.to(torch::kFloat64).contiguous();
  for (int64_t i = 0; i < x.size(0); ++i) raw.names.push_back(std::to_string(i));
  for (int64_t i = 0; i < x.size(1); ++i) raw.columns.push_back("x" + std::to_string(i));
  return raw;
}

}  // namespace elbo

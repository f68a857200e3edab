#include <chrono>
#include <cstdio>

#include "elbo/capi/arrow_column.h"
#include "elbo/capi/table_columns.h"

namespace elbo::capi {
namespace {

constexpr int64_t kDay = 86400;

/// Units of a format in a second; 0 for formats that are neither dates nor times.
int64_t units_in_second(const std::string& format) {
  if (format == "tdm") return 1000;
  if (!format.starts_with("ts") || format.size() < 3) return 0;
  switch (format[2]) {
    case 's':
      return 1;
    case 'm':
      return 1000;
    case 'u':
      return 1000000;
    case 'n':
      return 1000000000;
    default:
      return 0;
  }
}

int64_t floor_of(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

/// Seconds since 1970 of each row; empty for other formats.
std::vector<int64_t> seconds_of(const ArrowColumn& c) {
  std::vector<int64_t> list;
  const bool days = c.format() == "tdD";
  const int64_t units = units_in_second(c.format());
  if (!days && units == 0) return list;
  for (int64_t r = 0; r < c.rows; ++r) {
    list.push_back(days ? kDay * c.buffer<int32_t>(1)[c.first + r]
                        : floor_of(c.buffer<int64_t>(1)[c.first + r], units));
  }
  return list;
}

std::string time_text(int64_t seconds, bool with_clock) {
  const int64_t day = floor_of(seconds, kDay), clock = seconds - day * kDay;
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  if (!with_clock) return text;
  char time[32];
  std::snprintf(time, sizeof time, "T%02d:%02d:%02d", static_cast<int>(clock / 3600),
                static_cast<int>(clock / 60 % 60), static_cast<int>(clock % 60));
  return std::string(text) + time;
}

}  // namespace

bool append_times(const ArrowColumn& column, MemoryColumn& out) {
  if (column.format() != "tdD" && units_in_second(column.format()) == 0) return false;
  const auto seconds = seconds_of(column);
  const auto is_valid = [&](size_t r) { return out.valid.empty() || out.valid[r] != 0; };
  bool with_clock = false;
  for (size_t r = 0; r < seconds.size(); ++r) {
    with_clock = with_clock || (is_valid(r) && seconds[r] % kDay != 0);
  }
  for (size_t r = 0; r < seconds.size(); ++r) {
    append_text(out, is_valid(r) ? time_text(seconds[r], with_clock) : std::string());
  }
  return true;
}

}  // namespace elbo::capi

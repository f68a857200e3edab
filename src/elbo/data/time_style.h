#pragma once

#include <string>
#include <string_view>

#include "elbo/data/times.h"

namespace elbo {

/// Sets of orders, a bit each: those of spelled dates; those that differ in what comes first, day
/// or month.
constexpr unsigned kSpelled = (1U << kSpelledOrders) - 1;
constexpr unsigned kDayOrMonthFirst =
    1U << unsigned(TimeOrder::kDmy) | 1U << unsigned(TimeOrder::kMdy);

/// How a column writes its times, gathered cell by cell.
class TimeStyle {
 public:
  /// A cell that is a time in some order.
  void add(std::string_view text);
  /// The pattern of all cells: as for strftime, and %3f for three digits of a second's fraction.
  std::string format(TimeOrder order) const;
  /// Seconds that the written times are ahead of UTC: those of the first cell.
  double zone() const;
  /// Whether cells have several offsets from UTC; all are written with the first one.
  bool zones_differ() const { return zones_differ_; }

 private:
  std::string first_, zone_;
  bool bare_date_ = false, bare_hour_ = false, long_month_ = false, zones_differ_ = false;
  size_t fraction_ = 0;  // digits
};

/// A time as such a pattern writes it, `zone` seconds ahead of UTC.
std::string time_text(double seconds, const std::string& format, double zone);
/// The same where numbers tell the time (Unix time): whole units.
std::string time_text(double seconds, TimeOrder order, const std::string& format, double zone);

}  // namespace elbo

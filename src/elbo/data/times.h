#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace elbo {

/// How a column spells its times: which number of a date comes first, or which unit Unix time is
/// in.
enum class TimeOrder { kYmd, kDmy, kMdy, kCompact, kSeconds, kMilliseconds, kMicroseconds };

/// The name in schema.json and in --types "when=date(dmy)": ymd, dmy, mdy, compact, s, ms, us.
const std::string& to_string(TimeOrder order);
/// The order of that name; nothing where there is none.
std::optional<TimeOrder> time_order_named(const std::string& name);
/// What the order is, as a message says it: "day/month/year", "Unix time in milliseconds", …
std::string spoken_order(TimeOrder order);

/// Seconds since 1970 of a text in that order: dates by numbers or names of months, a time of day
/// with fractions of seconds or AM and PM, an offset (+02:00, Z, UTC), which is taken off. Nothing
/// where the text is no such time.
std::optional<double> parse_time(std::string_view text, TimeOrder order);

/// How many orders there are, and those of them that texts of a date can have: the first ones.
inline constexpr unsigned kTimeOrders = 7, kSpelledOrders = 3;
/// Which orders a text may have, one bit for each; of those in `among` alone.
unsigned time_orders(std::string_view text, unsigned among = ~0U);
/// Whether a column's name says that it is the time.
bool names_time(const std::string& name);

/// Which orders all cells of a column may have.
class TimeEvidence {
 public:
  void add(std::string_view text);
  int64_t count() const { return count_; }
  bool may_be(TimeOrder order) const { return count_ > 0 && (possible_ >> int(order) & 1) != 0; }
  /// Whether the cells are dates by their spelling: numbers alone may be something else.
  bool spelled() const;
  /// Whether the day may as well be the month.
  bool ambiguous() const;
  /// The order; nothing where no order fits all cells. Of two possible ones the day first.
  std::optional<TimeOrder> order() const;

 private:
  unsigned possible_ = ~0U;
  int64_t count_ = 0;
  bool told_apart_ = false;  // some date has a day that differs from its month
};

}  // namespace elbo

#include <doctest/doctest.h>

#include "elbo/data/time_style.h"

namespace elbo {
namespace {

std::string written(const std::vector<std::string>& cells, TimeOrder order, size_t which) {
  TimeStyle style;
  for (const auto& cell : cells) style.add(cell);
  const auto time = parse_time(cells[which], order);
  REQUIRE(time.has_value());
  return time_text(*time, order, style.format(order), style.zone());
}

TEST_CASE("a time is written as its column writes it") {
  const auto ymd = TimeOrder::kYmd, dmy = TimeOrder::kDmy, mdy = TimeOrder::kMdy;
  const std::vector<std::pair<std::string, TimeOrder>> cells = {
      {"2021-10-27", ymd},
      {"2021/10/27 15:23", ymd},
      {"2021-10-27T05:03:05Z", ymd},
      {"2021-10-27 15:23:25 UTC", ymd},
      {"2021-10-27T15:23:25.233", ymd},
      {"2021-10-27 15:23:25.000233", ymd},
      {"2021-10-27 15:23:25+02:00", ymd},
      {"2021-10-27 01:23:25 -0530", ymd},
      {"2021 Oct 27", ymd},
      {"27/10/2021", dmy},
      {"27.10.21", dmy},
      {"27.10.2021 15:23", dmy},
      {"27-Oct-2021", dmy},
      {"27 October 2021", dmy},
      {"Wed, 27 Oct 2021 15:23:25", dmy},
      {"10/27/2021", mdy},
      {"10/27/2021 03:23:25 PM", mdy},
      {"10/27/2021 12:00 AM", mdy},
      {"Oct 27, 2021", mdy},
      {"OCT 27 2021", mdy},
      {"20211027", TimeOrder::kCompact},
      {"20211027152325", TimeOrder::kCompact},
      {"20211027T152325", TimeOrder::kCompact},
      {"20211027152325233", TimeOrder::kCompact},
      {"1635348205", TimeOrder::kSeconds},
      {"1635348205233", TimeOrder::kMilliseconds},
      {"1635348205233001", TimeOrder::kMicroseconds}};
  for (const auto& [cell, order] : cells) CHECK(written({cell}, order, 0) == cell);
}

TEST_CASE("one digit or two is what the column's other cells say") {
  const auto ymd = TimeOrder::kYmd, mdy = TimeOrder::kMdy;
  CHECK(written({"10/27/2021", "1/5/2021"}, mdy, 0) == "10/27/2021");
  CHECK(written({"10/27/2021", "1/5/2021"}, mdy, 1) == "1/5/2021");
  CHECK(written({"2021/11/12 10:00", "2021/1/2 0:07"}, ymd, 1) == "2021/1/2 0:07");
  CHECK(written({"2021-11-12 10:00", "2021-01-02 00:07"}, ymd, 1) == "2021-01-02 00:07");
  CHECK(written({"May 5 2021", "September 12 2021"}, mdy, 1) == "September 12 2021");
  CHECK(written({"May 05 2021", "Sep 12 2021"}, mdy, 1) == "Sep 12 2021");
}

TEST_CASE("several offsets are seen, and the first one is written") {
  TimeStyle style;
  style.add("2021-01-15 12:00:00+01:00");
  CHECK_FALSE(style.zones_differ());
  style.add("2021-07-15 12:00:00+02:00");
  CHECK(style.zones_differ());
  CHECK(style.zone() == 3600);
}

}  // namespace
}  // namespace elbo

#include <doctest/doctest.h>

#include "elbo/data/times.h"

namespace elbo {
namespace {

constexpr double kDay = 18927 * 86400.0;  // 27 October 2021

TimeEvidence evidence(const std::vector<std::string>& cells) {
  TimeEvidence all;
  for (const auto& cell : cells) all.add(cell);
  return all;
}

TEST_CASE("times are read in many spellings") {
  const double clock = kDay + 15 * 3600 + 23 * 60 + 25;
  const auto ymd = TimeOrder::kYmd, dmy = TimeOrder::kDmy, mdy = TimeOrder::kMdy;
  CHECK(parse_time("2021-10-27", ymd) == kDay);
  CHECK(parse_time("2021/10/27 15:23:25", ymd) == clock);
  CHECK(parse_time("2021-10-27T15:23:25.250Z", ymd) == clock + 0.25);
  CHECK(parse_time("2021-10-27 15:23:25+02:00", ymd) == clock - 7200);
  CHECK(parse_time("2021-10-27 15:23:25 -0530", ymd) == clock + 19800);
  CHECK(parse_time("2021-10-27 15:23:25 UTC", ymd) == clock);
  CHECK(parse_time("27/10/2021", dmy) == kDay);
  CHECK(parse_time("10/27/2021", mdy) == kDay);
  CHECK(parse_time("10/27/2021", dmy) == std::nullopt);
  CHECK(parse_time("27.10.2021 15:23", dmy) == clock - 25);
  CHECK(parse_time("27.10.21", dmy) == kDay);
  for (const auto order : {dmy, mdy}) {
    CHECK(parse_time("Oct 27 2021", order) == kDay);
    CHECK(parse_time("October 27, 2021 3:23:25 PM", order) == clock);
    CHECK(parse_time("27-Oct-2021", order) == kDay);
    CHECK(parse_time("Wed, 27 Oct 2021 15:23:25", order) == clock);
  }
  CHECK(parse_time("10/27/2021 12:00:00 AM", mdy) == kDay);
  CHECK(parse_time("20211027", TimeOrder::kCompact) == kDay);
  CHECK(parse_time("20211027152325", TimeOrder::kCompact) == clock);
  CHECK(parse_time("20211027152325250", TimeOrder::kCompact) == clock + 0.25);
  CHECK(parse_time("20211027T152325", TimeOrder::kCompact) == clock);
  CHECK(parse_time("1635348205", TimeOrder::kSeconds) == 1635348205.0);
  CHECK(parse_time("1635348205250", TimeOrder::kMilliseconds) == 1635348205.25);
}

TEST_CASE("what is not a time is none") {
  for (const char* text : {"", "12.5", "1.5.2.1", "2021-13-01", "2021-02-30", "2021-10-27 25:00",
                           "2021-10-27 15:23:25 +2", "27/10-2021", "Foo 27 2021", "99999999",
                           "20211027152", "2021-10-27x", "10:30", "1e9"}) {
    CAPTURE(text);
    CHECK_FALSE(evidence({text}).order().has_value());
  }
}

TEST_CASE("an order is what all cells of a column allow") {
  CHECK(evidence({"03/04/2021", "27/04/2021"}).order() == TimeOrder::kDmy);
  CHECK(evidence({"03/04/2021", "04/27/2021"}).order() == TimeOrder::kMdy);
  CHECK(evidence({"03/04/2021", "05/04/2021"}).ambiguous());
  CHECK_FALSE(evidence({"04/04/2021", "05/05/2021"}).ambiguous());
  CHECK_FALSE(evidence({"27/04/2021", "04/27/2021"}).order().has_value());
  CHECK_FALSE(evidence({"Oct 3 2021"}).ambiguous());
  CHECK(evidence({"20211027", "20211028"}).order() == TimeOrder::kCompact);
  CHECK_FALSE(evidence({"20211027", "20211028"}).spelled());
  CHECK(evidence({"1635348205"}).order() == TimeOrder::kSeconds);
}

}  // namespace
}  // namespace elbo

#include <doctest/doctest.h>

#include <regex>

#include "elbo/serve/offline_cells.h"

namespace elbo {
namespace {

bool fits(const Json& rules, const std::string& text) {
  return std::regex_search(text, std::regex(rules["pattern"].get<std::string>()));
}

TEST_CASE("a page without a server takes the dates that the program takes") {
  Column column;
  column.type = "date";
  column.format = "%Y/%m/%d";
  const auto rules = cell_rules(column);
  CHECK(rules["date"] == "%Y/%m/%d");
  for (const std::string text :
       {"2024-02-29", "2024/2/29 7:05", "2024.02.29", "2024-02-29T07:05:09.25Z", "2024-02-29T7:5:9",
        "2024-02-29 23:59:60.5", "24-02-29", "2024-02/29", "2024-02-29 24:00", "2024-02-29 7",
        "2024-02-29T07:05:61", "2024-02-29Z", "2024-02-29 07:60", "2024-002-29", "today", ""}) {
    CAPTURE(text);
    CHECK(fits(rules, text) == parse_date(text).has_value());
  }
  std::smatch found;
  const std::string text = "2024-02-29T07:05:09.25Z";
  REQUIRE(std::regex_search(text, found, std::regex(rules["pattern"].get<std::string>())));
  const std::vector<std::string> expected = {"2024", "02", "29", "07", "05", "09.25"};
  for (size_t k = 0; k < expected.size(); ++k) CHECK(found[k == 0 ? 1 : k + 2] == expected[k]);
}

TEST_CASE("a page without a server takes the numbers that the program takes") {
  for (const bool comma : {false, true}) {
    Column column;
    column.type = "real";
    column.spelling.comma = comma;
    const auto rules = cell_rules(column);
    CHECK(rules["point"] == (comma ? "," : "."));
    for (const std::string text : {"1", "-2.5", "+3", ".5", "5.", "1e3", "1.5E-2", "2,5", ",5",
                                   "1,2,3", "0x10", "inf", "nan", "1 ", "--1", "-", "", "1e"}) {
      CAPTURE(comma);
      CAPTURE(text);
      CHECK(fits(rules, text) == parse_number(text, comma).has_value());
    }
  }
}

TEST_CASE("what a type forbids and the range that was seen go with the page") {
  Column column;
  column.type = "count";
  column.origin = 10;
  column.low = 3;
  column.high = 9;
  column.decimals = 2;
  const auto rules = cell_rules(column);
  CHECK(rules["least"] == 0);
  CHECK(rules["whole"] == true);
  CHECK(rules["low"] == 3.0);
  CHECK(rules["high"] == 9.0);
  CHECK(rules["origin"] == 10.0);
  CHECK(rules["number"]["maximumFractionDigits"] == 2);
  column.type = "real";
  CHECK_FALSE(cell_rules(column).contains("least"));
  Column words;
  words.type = "category";
  words.classes = {"a", "b", "(other)"};
  CHECK(cell_rules(words)["other"] == -1);
  words.other = true;
  CHECK(cell_rules(words)["other"] == 2);
  CHECK(cell_rules(words)["texts"] == Json({"a", "b", "(other)"}));
}

}  // namespace
}  // namespace elbo

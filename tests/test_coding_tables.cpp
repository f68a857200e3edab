#include <doctest/doctest.h>

#include "elbo/coding/table_text.h"
#include "elbo/data/open.h"
#include "elbo/io/packed.h"
#include "files.h"

// Tables of text come back byte for byte.

namespace elbo {
namespace {

constexpr const char* kShop =
    "day,price,city,id\n"
    "2024-01-05,12.50,Oslo,1\n"
    "2024-01-06,3.25,Rome,2\n"
    "2024-02-29,99.99,Oslo,3\n"
    "2024-03-01,,Rome,4\n"
    "2024-03-02,7.75,Bern,5\n"
    "2024-03-09,10.10,Bern,6\n";

/// The schema that a model of this text would have.
Schema schema_like(const std::string& text) {
  const TempFolder folder;
  return open_data(folder.file("t.csv", text), {})->schemas().x;
}

/// Splits and joins; how the file was held.
TableParts round_trip(const std::string& text, const Schema& schema) {
  auto parts = split_table_text(text, schema);
  CHECK(join_table_text(parts, schema) == text);
  CHECK(rows_of_side(parts.side) == (parts.x.defined() ? parts.x.size(0) : 0));
  return parts;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

TEST_CASE("what is packed unpacks, and damage is named") {
  for (const std::string& text : {std::string(), std::string("a"), std::string(100000, 'x')}) {
    CHECK(unpacked(packed(text), "test") == text);
  }
  CHECK(packed(std::string(100000, 'x')).size() < 200);
  auto damaged = packed(std::string(100000, 'x'));
  CHECK_THROWS_WITH_AS(unpacked(damaged, "test", 1000), doctest::Contains("1000 bytes"), Error);
  CHECK_THROWS_AS(unpacked("", "test"), Error);
  CHECK_THROWS_AS(unpacked("\x07zz", "test"), Error);
  fuzz(damaged, 200, [](const std::string& bytes) { unpacked(bytes, "test", 1 << 20); });
}

TEST_CASE("a table as its model would write it has no odd cells") {
  const auto schema = schema_like(kShop);
  const auto parts = round_trip(kShop, schema);
  CHECK(parts.odd_cells == 0);
  CHECK(parts.odd_lines == 1);  // the header
  CHECK(parts.x.size(0) == 6);
  CHECK(parts.mask.select(1, 1).sum().item<float>() == 5);
}

TEST_CASE("spellings of a whole file cost nothing for each cell") {
  const auto schema = schema_like(kShop);
  const std::string text = kShop;
  for (const auto& other :
       {replaced(text, "\n", "\r\n"), replaced(text, ",", ", "), replaced(text, ",", ";"),
        replaced(text, ",", " ,"), "\xef\xbb\xbf" + text, text.substr(0, text.size() - 1),
        replaced(replaced(replaced(text, "Oslo", "\"Oslo\""), "Rome", "\"Rome\""), "Bern",
                 "\"Bern\""),
        replaced(text, ",,", ",?,"), text + "\n\n", "# a title\n" + text}) {
    CAPTURE(other);
    const auto parts = round_trip(other, schema);
    REQUIRE(parts.x.defined());
    CHECK(parts.odd_cells <= 1);
  }
}

TEST_CASE("cells that the model cannot read or write come back as they were") {
  const auto schema = schema_like(kShop);
  const std::string text = kShop;
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"Rome,2", "Paris,2"},
                                                        {"3.25", "3.2500000000000001"},
                                                        {"3.25", "1e400"},
                                                        {"3.25", "-1234567890123.75"},
                                                        {"3.25", "16777217.33"},
                                                        {"Oslo,1", "\"Oslo, \"\"East\"\"\r\n2\",1"},
                                                        {"2024-01-06", "06/01/2024"},
                                                        {"2024-01-06", "2024-13-77"},
                                                        {"Bern,5", "Bern,5,6"},
                                                        {"Bern,5", "\"Bern\"x,5"},
                                                        {"Bern,6", "\"Bern,6"},
                                                        {"\n2024-03-09", "\n\n\r2024-03-09"},
                                                        {"7.75", "  7.75\t"},
                                                        {"7.75", std::string("7\0.75", 5)}}) {
    CAPTURE(to);
    const auto parts = round_trip(replaced(text, from, to), schema);
    REQUIRE(parts.x.defined());
    CHECK(parts.odd_cells <= 2);
  }
}

TEST_CASE("files that are no such table come back, too") {
  const auto schema = schema_like(kShop);
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("\xef\xbb\xbf"), std::string("hello"),
        std::string("a,b\n1,2\n"), std::string("\"", 1), std::string("day,price,city,id"),
        std::string("day,price,city,id\n"), std::string("city\nRome\n"),
        std::string("\x00\xff\x01", 3)}) {
    CAPTURE(text);
    round_trip(text, schema);
  }
}

TEST_CASE("columns in another order, absent ones and ones of no model come back") {
  const auto schema = schema_like(kShop);
  const auto parts = round_trip(
      "city,weather,price\nRome,\"sunny, hot\",1.50\nOslo,\"\",22.00\nRome,rain,3.33\n", schema);
  REQUIRE(parts.x.defined());
  CHECK(parts.odd_cells == 0);
  const auto seen = parts.mask.sum(0);
  CHECK(seen.sum().item<float>() == 6);
}

TEST_CASE("a constant column and a table without a header come back") {
  std::string constant = "a,b,c\n", bare;
  for (int i = 0; i < 40; ++i) {
    constant += std::to_string(i) + ",same," + std::to_string(i * i % 7) + "\n";
    bare += std::to_string(i) + "\t" + std::to_string(i % 3) + ".5\n";
  }
  CHECK(round_trip(constant, schema_like(constant)).odd_cells == 0);
  const auto parts = round_trip(bare, schema_like(bare));
  REQUIRE(parts.x.defined());
  CHECK(parts.x.size(0) == 40);
  CHECK(parts.odd_lines == 0);
}

TEST_CASE("numbers beyond float32 cost what float32 lacks, not their text") {
  std::string text = "length,place\n";
  for (uint64_t i = 0; i < 3000; ++i) {
    const auto draw = bits_at(11, i);
    text += std::to_string(100000000 + draw % 900000000) + "." + std::to_string(draw % 10) + "," +
            std::to_string(draw % 60) + "." + std::to_string(1000000 + (draw >> 20) % 9000000) +
            "\n";
  }
  const auto schema = schema_like(text);
  const auto parts = round_trip(text, schema);
  REQUIRE(parts.x.size(1) == 2);
  CHECK(parts.side.size() < 3000 * 3);
}

/// A cell that a file may well hold, or may not.
std::string random_cell(uint64_t draw) {
  static const std::vector<std::string> cells = {
      "",           "0",          "1",          "-5",   "3.5",      "3.50",    "1e3",
      "Oslo",       "Rome",       "NA",         "?",    " x ",      "\"a,b\"", "\"\"",
      "\"q\"\"q\"", "2024-01-05", "05.01.2024", "x\ty", "\"l\nl\"", "é"};
  return cells[draw % cells.size()];
}

TEST_CASE("random tables come back under the schema of another random table") {
  for (uint64_t round = 0; round < 150; ++round) {
    uint64_t place = 0;
    const auto below = [&](uint64_t n) { return bits_at(1000 + round, place++) % n; };
    const std::string ends[] = {"\n", "\r\n", "\r"};
    const auto make = [&](uint64_t rows, bool wild) {
      const std::string end = ends[below(3)];
      std::string text = "a,b,c" + end;
      for (uint64_t r = 0; r < rows; ++r) {
        const uint64_t width = wild && below(9) == 0 ? below(6) : 3;
        for (uint64_t i = 0; i < width; ++i) {
          if (i > 0) text += ',';
          const bool tame = !wild || below(3) > 0;
          text += !tame    ? random_cell(below(1000))
                  : i == 2 ? random_cell(7 + below(2))
                           : std::to_string(below(50)) + (i == 1 ? ".25" : "");
        }
        if (wild && below(40) == 0) text += static_cast<char>(below(256));
        text += wild && below(20) == 0 ? ends[below(3)] : end;
      }
      if (wild && below(3) == 0) text.resize(text.size() - below(text.size()));
      return text;
    };
    const auto schema = schema_like(make(30, false));
    const auto text = make(below(40), true);
    CAPTURE(text);
    round_trip(text, schema);
  }
}

TEST_CASE("a damaged side is refused or gives other bytes, and never crashes") {
  const auto schema = schema_like(kShop);
  const auto parts = split_table_text(kShop, schema);
  fuzz(parts.side, 500, [&](const std::string& side) {
    auto other = parts;
    other.side = side;
    join_table_text(other, schema);
  });
}

}  // namespace
}  // namespace elbo

#include <zlib.h>

#include "elbo/io/csv.h"
#include "files.h"
#include "near.h"

namespace elbo {
namespace {

using Records = std::vector<std::vector<std::string>>;

Records read_all(const std::string& path, char delimiter = 0) {
  CsvReader csv(path, delimiter);
  Records records;
  while (csv.next()) {
    records.emplace_back();
    for (int64_t i = 0; i < csv.size(); ++i) records.back().emplace_back(csv.cell(i));
  }
  return records;
}

Records read_text(const std::string& text, char delimiter = 0) {
  const TempFolder folder;
  return read_all(folder.file("a.csv", text), delimiter);
}

std::string csv_refusal(const std::string& text) {
  return error_of([&] { read_text(text); });
}

TEST_CASE("records keep quotes, line breaks and delimiters that stand within quotes") {
  CHECK(read_text("a,b\r\n1,\"x, \"\"y\"\"\nz\"\r\n,\"\"\n") ==
        Records{{"a", "b"}, {"1", "x, \"y\"\nz"}, {"", ""}});
  CHECK(read_text("\xef\xbb\xbf"
                  "a;b\n1,5;2") == Records{{"a", "b"}, {"1,5", "2"}});
  CHECK(read_text("a\tb\n\n1\t\n") == Records{{"a", "b"}, {"1", ""}});
  CHECK(read_text("a|b\r1|2\r") == Records{{"a", "b"}, {"1", "2"}});
  CHECK(read_text("one\ntwo\n") == Records{{"one"}, {"two"}});
  CHECK(read_text("a b,c\n5\" disk,d\n") == Records{{"a b", "c"}, {"5\" disk", "d"}});
}

TEST_CASE("a record is its raw cells, its delimiters and its line end") {
  const TempFolder folder;
  const std::string text = "a, \"b\" ,\"c\"\"\n\"\r\n1,2,\"3\"\n4,5,6";
  CsvReader csv(folder.file("a.csv", text), ',');
  std::string again;
  std::vector<int64_t> lines;
  while (csv.next()) {
    lines.push_back(csv.line());
    for (int64_t i = 0; i < csv.size(); ++i) again += (i ? "," : "") + std::string(csv.raw(i));
    again += csv.line_end();
  }
  CHECK(again == text);
  CHECK(lines == std::vector<int64_t>{1, 3, 4});
}

TEST_CASE("records that straddle the blocks of a file are whole, packed or not") {
  const TempFolder folder;
  std::string text = "name,value\n";
  for (int i = 0; i < 40000; ++i) {
    text += "\"row \"\"" + std::to_string(i) + "\"\", a\nb\"," + std::to_string(i * 7) + "\r\n";
  }
  const auto plain = read_all(folder.file("a.csv", text));
  REQUIRE(plain.size() == 40001);
  CHECK(plain[39999][0] == "row \"39998\", a\nb");
  CHECK(plain[40000][1] == std::to_string(39999 * 7));
  const auto path = folder.at("a.csv.gz");
  const auto file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  CHECK(read_all(path) == plain);

  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  CHECK(error_of([&] { read_all(path); }).find("ends too early") != std::string::npos);
}

TEST_CASE("what is no text is refused where it stands") {
  CHECK(csv_refusal("a,b\n1,\"2\n3,4\n")
            .find("line 2, column 2: a quote is opened and never closed") != std::string::npos);
  CHECK(csv_refusal("a,b\n1,\"2\"x\n").find("line 2, column 2: text after a closing quote") !=
        std::string::npos);
  CHECK(csv_refusal(std::string("a,b\n1,2\n3\0,4\n", 13)).find("line 3, column 1: holds a NUL") !=
        std::string::npos);
  CHECK(csv_refusal("\xff\xfe"
                    "a\0")
            .find("UTF-16") != std::string::npos);
  CHECK(error_of([] { read_all("/no/such.csv"); }).find("No such file") != std::string::npos);
  CHECK(error_of([] { read_all("/"); }).find("folder") != std::string::npos);
  CHECK(read_text("").empty());
}

TEST_CASE("damaged text is read or refused, and never crashes") {
  const TempFolder folder;
  int64_t files = 0;
  fuzz("a,b,\"c\"\n1,\"x\"\"\ny\",3\r\n,,\n\"q\",2,1\n", 400, [&](const std::string& text) {
    read_all(folder.file(std::to_string(files++) + ".csv", text));
  });
}

TEST_CASE("cells are quoted where they must be, and read back") {
  for (const std::string text : {"plain", "a,b", "say \"hi\"", "two\nlines", " edge", "", "ä;ö"}) {
    CAPTURE(text);
    for (const char delimiter : {',', ';'}) {
      const auto records =
          read_text("x" + std::string(1, delimiter) + csv_cell(text, delimiter) + "\n", delimiter);
      CHECK(records == Records{{"x", text}});
    }
  }
  CHECK(csv_cell("a,b", ';') == "a,b");
}

TEST_CASE("UTF-8 is told from other bytes") {
  for (const char* good : {"", "abc", "ä", "€", "𝄞"}) CHECK(is_utf8(good));
  for (const char* bad : {"\xe4", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "a\x80"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}

}  // namespace
}  // namespace elbo

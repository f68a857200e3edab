#include <doctest/doctest.h>

#include <charconv>
#include <random>

#include "elbo/data/spelling.h"

using namespace elbo;

TEST_CASE("short numbers are those of the standard library to the bit, or left to it") {
  std::mt19937_64 random(1);
  const auto digits = [&](size_t most) {
    std::string text(random() % (most + 1), '0');
    for (auto& c : text) c = static_cast<char>('0' + random() % 10);
    return text;
  };
  int64_t read = 0;
  for (int k = 0; k < 200000; ++k) {
    std::string text = random() % 2 ? "-" : "";
    text += digits(12);
    if (random() % 4 > 0) text += "." + digits(9);
    double expected = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), expected).ptr;
    const bool number = end == text.data() + text.size() && text != "" && text != "-";
    const auto found = plain_number(text);
    if (!found) continue;
    ++read;
    REQUIRE_MESSAGE(number, text);
    REQUIRE_MESSAGE(found->value == expected, text);
    REQUIRE_MESSAGE(std::signbit(found->value) == std::signbit(expected), text);
    const auto point = std::min(text.find('.'), text.size());
    REQUIRE(found->before == point - (found->sign ? 1 : 0));
    REQUIRE(found->after == (point < text.size() ? text.size() - point - 1 : 0));
  }
  CHECK(read > 100000);
  for (const char* text : {"", "-", ".", "-.", "1e5", "+1", "1,5", "1.2.3", "--1", " 1", "inf",
                           "1234567890123456", "0x10"}) {
    CHECK_MESSAGE(!plain_number(text), text);
  }
}

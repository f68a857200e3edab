#include <doctest/doctest.h>

#include <array>
#include <cstdio>

#include "elbo/io/file.h"
#include "elbo/io/tensorboard.h"
#include "files.h"

namespace elbo {
namespace {

/// Bit by bit from the other end: another road to the same checksum.
uint32_t crc_by_bits(const std::string& bytes) {
  const auto reflect = [](uint32_t v, int bits) {
    uint32_t r = 0;
    for (int i = 0; i < bits; ++i) r |= (v >> i & 1) << (bits - 1 - i);
    return r;
  };
  uint32_t crc = ~0u;
  for (unsigned char c : bytes) {
    crc ^= reflect(c, 8) << 24;
    for (int k = 0; k < 8; ++k) crc = crc << 1 ^ (crc >> 31 ? 0x1edc6f41u : 0);
  }
  return ~reflect(crc, 32);
}

uint32_t number_at(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

TEST_CASE("CRC-32C has its published values") {
  CHECK(crc32c("123456789") == 0xe3069283u);            // the catalogue's check value
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aau);  // RFC 3720, B.4
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43u);
}

TEST_CASE("event records are framed as TensorBoard reads them and survive a cut") {
  TempFolder folder;
  const auto path = folder.at("events.out.tfevents.test");
  {
    EventWriter events(path);
    events.scalars(7, {{"train/loss", 1.5}, {"train/kl", -2}}, 1000.25);
  }
  auto bytes = read_file(path);
  size_t records = 0;
  for (size_t at = 0; at < bytes.size(); ++records) {
    const size_t length = number_at(bytes, at);
    const auto masked = [](uint32_t crc) { return (crc >> 15 | crc << 17) + 0xa282ead8u; };
    CHECK(number_at(bytes, at + 8) == masked(crc_by_bits(bytes.substr(at, 8))));
    CHECK(number_at(bytes, at + 12 + length) == masked(crc_by_bits(bytes.substr(at + 12, length))));
    at += 12 + length + 4;
  }
  CHECK(records == 2);
  CHECK(read_records(path)[0].find("brain.Event:2") != std::string::npos);

  folder.file("events.out.tfevents.test", bytes.substr(0, bytes.size() - 3));
  CHECK_THROWS_AS(read_records(path), Error);
  {
    EventWriter again(path);
    again.scalars(8, {{"a", 1}});
  }
  CHECK(read_records(path).size() == 2);
  CHECK_THROWS_AS(EventWriter(folder.at("no/such")), Error);
}

TEST_CASE("the protocol buffer compiler decodes an event") {
  if (std::system("command -v protoc > /dev/null") != 0) return;
  TempFolder folder;
  const auto path = folder.at("events");
  EventWriter(path).scalars(300, {{"loss", 1.5}}, 0.5);
  const auto event = folder.file("event", read_records(path)[1]);
  const auto text = folder.at("text");
  REQUIRE(std::system(("protoc --decode_raw < " + event + " > " + text).c_str()) == 0);
  CHECK(read_file(text) ==
        "1: 0x3fe0000000000000\n2: 300\n5 {\n  1 {\n    1: \"loss\"\n    2: 0x3fc00000\n  }\n}\n");
}

}  // namespace
}  // namespace elbo

#include <doctest/doctest.h>

#include "elbo/io/image.h"
#include "elbo/io/picture.h"
#include "files.h"
#include "pictures.h"

namespace elbo {
namespace {

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

std::string little(uint32_t value, int bytes) {
  std::string out;
  for (int k = 0; k < bytes; ++k) out += static_cast<char>(value >> (8 * k) & 255);
  return out;
}

/// A block of EXIF that holds nothing but an orientation.
std::string exif(int orientation) {
  return "II" + little(42, 2) + little(8, 4) + little(1, 2) + little(0x112, 2) + little(3, 2) +
         little(1, 4) + little(static_cast<uint32_t>(orientation), 4) + little(0, 4);
}

std::string with_exif(const std::string& jpeg, int orientation) {
  const auto body = std::string("Exif\0\0", 6) + exif(orientation);
  const auto size = body.size() + 2;
  return jpeg.substr(0, 2) + "\xff\xe1" + static_cast<char>(size >> 8) +
         static_cast<char>(size & 255) + body + jpeg.substr(2);
}

/// A 2x3 picture at 24 bits, red above blue, bottom line first.
std::string bmp() {
  const std::string blue = from_hex("ff0000ff00000000"), red = from_hex("0000ff0000ff0000");
  std::string lines = blue + red + red;
  return "BM" + little(54 + 24, 4) + little(0, 4) + little(54, 4) + little(40, 4) + little(2, 4) +
         little(3, 4) + little(1, 2) + little(24, 2) + std::string(24, '\0') + lines;
}

TEST_CASE("a picture of 16 bits keeps them, one of bytes in 16 bits is bytes") {
  const auto deep = torch::tensor({{{200, 3999, 65535}, {0, 1, 256}}}, torch::kInt32);
  const auto read = decode_picture(encode_deep_png(deep), "deep");
  CHECK(read.levels == 65535);
  CHECK(read.pixels.equal(deep));
  CHECK(decode_image(encode_deep_png(deep), "deep")
            .equal(torch::tensor({{{1, 16, 255}, {0, 0, 1}}}, torch::kUInt8)));
  const auto bytes =
      decode_picture(encode_deep_png(torch::tensor({{{257, 0, 65535}}}, torch::kInt32)), "b");
  CHECK(bytes.levels == 255);
  CHECK(bytes.pixels.equal(torch::tensor({{{1, 0, 255}}}, torch::kUInt8)));
  const auto colour = torch::arange(3 * 4 * 5, torch::kInt32).view({3, 4, 5}) * 999;
  CHECK(decode_picture(encode_deep_png(colour), "c").pixels.equal(colour));
  const auto valid = encode_deep_png(colour);
  CHECK(error_of([&] { decode_picture(valid.substr(0, valid.size() / 2), "cut"); }).find("cut") !=
        std::string::npos);
  CHECK(fuzz(valid, 1000, [](const std::string& b) { decode_picture(b, "fuzz"); }) > 500);
}

TEST_CASE("EXIF's orientation turns a picture as a viewer shows it") {
  const auto x =
      torch::arange(6, torch::kInt64).to(torch::kUInt8).view({1, 2, 3});  // 0 1 2 / 3 4 5
  const std::vector<std::vector<int>> shown = {
      {0, 1, 2, 3, 4, 5}, {2, 1, 0, 5, 4, 3}, {5, 4, 3, 2, 1, 0}, {3, 4, 5, 0, 1, 2},
      {0, 3, 1, 4, 2, 5}, {3, 0, 4, 1, 5, 2}, {5, 2, 4, 1, 3, 0}, {2, 5, 1, 4, 0, 3}};
  for (int k = 1; k <= 8; ++k) {
    CAPTURE(k);
    const auto turned = upright(x, k);
    CHECK(turned.size(1) == (k < 5 ? 2 : 3));
    CHECK(turned.flatten()
              .to(torch::kInt32)
              .equal(torch::tensor(shown[static_cast<size_t>(k - 1)], torch::kInt32)));
    CHECK(exif_orientation(exif(k)) == k);
    const auto jpeg = with_exif(encode_jpeg(torch::zeros({1, 16, 24}, torch::kUInt8)), k);
    CHECK(decode_picture(jpeg, "j").orientation == k);
    CHECK(decode_image(jpeg, "j").size(1) == (k < 5 ? 16 : 24));
  }
  for (const auto& bad : {std::string(), std::string("II"), exif(9), exif(1).substr(0, 15),
                          std::string("XX") + exif(6)}) {
    CHECK(exif_orientation(bad) == 1);
  }
}

TEST_CASE("printing colours become RGB") {
  auto inks = torch::zeros({4, 16, 16}, torch::kUInt8);  // as Adobe stores them: what light is left
  inks[0].fill_(255);
  inks[3].fill_(255);  // cyan's and black's inks absent: red is what is left
  const auto picture = decode_picture(encode_jpeg(inks), "cmyk");
  CHECK(picture.cmyk);
  REQUIRE(picture.pixels.size(0) == 3);
  const auto mean = picture.pixels.to(torch::kFloat32).mean({1, 2});
  CHECK(mean[0].item<double>() > 250);
  CHECK(mean[1].item<double>() < 5);
  CHECK(mean[2].item<double>() < 5);
}

TEST_CASE("BMP, PGM and PPM are read without a library") {
  const auto x = decode_image(bmp(), "b");
  CHECK(x.equal(torch::tensor(
      {{{255, 255}, {255, 255}, {0, 0}}, {{0, 0}, {0, 0}, {0, 0}}, {{0, 0}, {0, 0}, {255, 255}}},
      torch::kUInt8)));
  CHECK(decode_image("P2 # grey\n3 1\n10\n0 5 10", "p")
            .equal(torch::tensor({{{0, 128, 255}}}, torch::kUInt8)));
  CHECK(decode_image(std::string("P5 2 1 255\n\7\311", 13), "p")
            .equal(torch::tensor({{{7, 201}}}, torch::kUInt8)));
  CHECK(decode_image("P6 1 1 255\nabc", "p")
            .equal(torch::tensor({{{97}}, {{98}}, {{99}}}, torch::kUInt8)));
  const auto deep = decode_picture(std::string("P5 2 1 4095\n\1\0\17\377", 16), "p");
  CHECK(deep.levels == 4095);
  CHECK(deep.pixels.equal(torch::tensor({{{256, 4095}}}, torch::kInt32)));
  for (const auto* bad : {"P5 2 2 255\nab", "P2 1 1 255\nx", "P5 0 1 255\n", "P2 1 1 9 10"}) {
    CHECK(error_of([&] { decode_image(bad, "bad.pgm"); }).find("bad.pgm") != std::string::npos);
  }
  CHECK(fuzz(bmp(), 500, [](const std::string& b) { decode_picture(b, "fuzz"); }) > 30);
  CHECK(fuzz("P5 2 2 255\nabcd", 500, [](const std::string& b) { decode_picture(b, "fuzz"); }) >
        100);
}

TEST_CASE("formats of optional libraries are read, or their package is named") {
  const auto gif =
      "GIF89a" + from_hex("02000100800000ff00000000ff2c0000000002000100000202440a003b");
  const auto tiff =
      "II" + little(42, 2) + little(8, 4) + little(9, 2) +
      [] {
        std::string entries;
        const std::vector<std::vector<uint32_t>> fields = {{256, 4, 3}, {257, 4, 1}, {258, 3, 16},
                                                           {259, 3, 1}, {262, 3, 1}, {273, 4, 122},
                                                           {277, 3, 1}, {278, 4, 1}, {279, 4, 6}};
        for (const auto& f : fields)
          entries += little(f[0], 2) + little(f[1], 2) + little(1, 4) + little(f[2], 4);
        return entries;
      }() +
      little(0, 4) + little(200, 2) + little(3999, 2) + little(65535, 2);
  const auto webp = from_hex(
      "5249464650000000574542505650382044000000d001009d012a1000100001402625a40002e75f3f"
      "30746000feff2b01742f4eadf2ee322396f2b317cbc35ea88745563a70dc1578da7d65d95917735f"
      "ba67dedc44dde000");
  // Mutants claim any size: none fills the memory of a test.
  const auto small = [](const std::string& b) { decode_picture(b, "fuzz", 1 << 20); };
  if (has_gif()) {
    CHECK(decode_image(gif, "g").equal(
        torch::tensor({{{255, 0}}, {{0, 0}}, {{0, 255}}}, torch::kUInt8)));
    CHECK(fuzz(gif, 300, small) > 30);
  } else {
    CHECK(error_of([&] { decode_image(gif, "g"); }).find("libgif-dev") != std::string::npos);
  }
  if (has_tiff()) {
    const auto picture = decode_picture(tiff, "t");
    CHECK(picture.levels == 65535);
    CHECK(picture.pixels.equal(torch::tensor({{{200, 3999, 65535}}}, torch::kInt32)));
    CHECK(fuzz(tiff, 300, small) > 30);
  } else {
    CHECK(error_of([&] { decode_image(tiff, "t"); }).find("libtiff-dev") != std::string::npos);
  }
  if (has_webp()) {
    CHECK((decode_image(webp, "w").sizes() == torch::IntArrayRef({3, 16, 16})));
    CHECK(fuzz(webp, 300, small) > 3);
  } else {
    CHECK(error_of([&] { decode_image(webp, "w"); }).find("libwebp-dev") != std::string::npos);
  }
  CHECK(is_image_name("a.WEBP") == has_webp());
  CHECK(is_image_name("a.tif") == has_tiff());
  CHECK(package_for(".txt") == "");
}

}  // namespace
}  // namespace elbo

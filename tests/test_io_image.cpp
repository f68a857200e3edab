#include <doctest/doctest.h>

#include "elbo/io/file.h"
#include "elbo/io/image.h"
#include "files.h"
#include "pictures.h"

namespace elbo {
namespace {

TEST_CASE("a picture written as PNG comes back, gray and in colour") {
  torch::manual_seed(2);
  for (int64_t channels : {1, 3}) {
    const auto image = torch::randint(0, 256, {channels, 7, 5}, torch::kUInt8);
    CHECK(torch::equal(decode_image(encode_png(image), "p"), image));
  }
  CHECK_THROWS_AS(encode_png(torch::zeros({2, 4, 4}, torch::kUInt8)), Error);
  CHECK_THROWS_AS(encode_png(torch::zeros({1, 4, 4})), Error);
}

TEST_CASE("a JPEG is read to within its own loss, gray and in colour") {
  const auto ramp = torch::arange(0, 256, 8, torch::kInt64).to(torch::kUInt8);
  for (int64_t channels : {1, 3}) {
    const auto image = ramp.expand({channels, 16, 32}).contiguous();
    const auto read = decode_image(encode_jpeg(image), "j");
    REQUIRE((read.sizes() == image.sizes()));
    const auto worst = (read.to(torch::kInt32) - image.to(torch::kInt32)).abs().max();
    CHECK(worst.item<int64_t>() <= 6);  // quality 95 quantizes in steps of a few grey levels
  }
}

TEST_CASE("damaged pictures are Errors, never crashes") {
  torch::manual_seed(3);
  const auto image = torch::randint(0, 256, {3, 16, 16}, torch::kUInt8);
  const auto png = encode_png(image), jpeg = encode_jpeg(image);
  const auto decode = [](const std::string& b) { decode_image(b, "fuzz"); };
  for (const auto& bad :
       {std::string(), std::string("GIF89a"), png.substr(0, 20), png.substr(0, png.size() / 2),
        jpeg.substr(0, 30), jpeg.substr(0, jpeg.size() / 2), std::string("\xff\xd8"),
        std::string("\x89PNG")}) {
    CHECK(error_of([&] { decode_image(bad, "bad.png"); }).find("bad.png") != std::string::npos);
  }
  auto huge = png;
  for (size_t i = 16; i < 24; ++i) huge[i] = '\x7f';
  CHECK_THROWS_AS(decode_image(huge, "huge"), Error);
  CHECK(fuzz(png, 3000, decode) > 2500);  // checksums find nearly all
  CHECK(fuzz(jpeg, 2000, decode) > 200);
}

TEST_CASE("a grid places every image, and shrinking averages") {
  auto images = torch::zeros({5, 1, 2, 3});
  for (int64_t i = 0; i < 5; ++i) images[i].fill_(static_cast<double>(i) / 4);
  images[0][0][0][0] = NAN;
  images[4].fill_(7);
  const auto grid = image_grid(images, 3, 1);
  CHECK((grid.sizes() == torch::IntArrayRef({1, 5, 11})));
  CHECK(grid[0][0][0].item<int64_t>() == 0);
  CHECK(grid[0][1][5].item<int64_t>() == 64);
  CHECK(grid[0][4][6].item<int64_t>() == 255);
  CHECK(grid[0][0][3].item<int64_t>() == 128);  // the gap

  const auto checks = torch::tensor({{0, 200}, {200, 0}}, torch::kUInt8).repeat({1, 4, 4});
  const auto small = resize_image(checks, 2, 2);
  CHECK((small.to(torch::kInt32) - 100).abs().max().item<int64_t>() <= 2);
  CHECK(torch::equal(resize_image(checks, 8, 8), checks));
}

}  // namespace
}  // namespace elbo

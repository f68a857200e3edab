#include "elbo/io/animation.h"
#include "elbo/io/image.h"
#include "elbo/tasks/output.h"
#include "files.h"
#include "near.h"

namespace elbo {
namespace {

std::vector<Tensor> frames_of(int64_t channels) {
  std::vector<Tensor> frames;
  for (int64_t k = 0; k < 3; ++k) {
    frames.push_back(torch::randint(256, {channels, 40, 70}, torch::kUInt8));
  }
  return frames;
}

int64_t count(const std::string& text, const std::string& word) {
  int64_t n = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++n;
  return n;
}

/// The pixels of a GIF's image data by the format's own rules: an independent LZW reader.
std::vector<std::vector<uint8_t>> read_gif(const std::string& gif) {
  std::vector<std::vector<uint8_t>> frames;
  size_t at = 13 + 768;
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(gif.at(i)); };
  const auto data = [&] {
    std::string joined;
    for (; byte(at) != 0; at += byte(at) + 1u) joined += gif.substr(at + 1, byte(at));
    ++at;
    return joined;
  };
  while (gif.at(at) != ';') {
    if (gif.at(at) == '\x21') {
      at += 2;
      data();
      continue;
    }
    at += 10;
    REQUIRE(byte(at++) == 8);
    const auto bits = data();
    std::vector<std::string> table;
    std::string before;
    std::vector<uint8_t> pixels;
    int width = 9;
    for (size_t position = 0;;) {
      int code = 0;
      for (int k = 0; k < width; ++k, ++position) {
        code |= (static_cast<uint8_t>(bits.at(position / 8)) >> (position % 8) & 1) << k;
      }
      if (code == 257) break;
      if (code == 256) {
        table.clear();
        for (int k = 0; k < 258; ++k) table.emplace_back(1, static_cast<char>(k));
        before.clear();
        width = 9;
        continue;
      }
      REQUIRE(static_cast<size_t>(code) <= table.size());
      const auto now = static_cast<size_t>(code) < table.size() ? table[static_cast<size_t>(code)]
                                                                : before + before[0];
      if (!before.empty() && table.size() < 4096) table.push_back(before + now[0]);
      if (table.size() == size_t{1} << width && width < 12) ++width;
      pixels.insert(pixels.end(), now.begin(), now.end());
      before = now;
    }
    frames.push_back(pixels);
  }
  return frames;
}

TEST_CASE("an APNG is a PNG of its first frame that holds all the others") {
  for (const int64_t channels : {1, 3}) {
    const auto frames = frames_of(channels);
    const auto bytes = encode_apng(frames, 100);
    CHECK(torch::equal(decode_image(bytes, "animation"), frames[0]));
    CHECK(count(bytes, "fcTL") == 3);
    CHECK(count(bytes, "fdAT") == 2);
    CHECK(count(bytes, "acTL") == 1);
  }
}

TEST_CASE("a GIF of greys comes back pixel by pixel, also past a full table") {
  std::vector<Tensor> frames{torch::randint(256, {1, 200, 200}, torch::kUInt8),
                             torch::zeros({1, 200, 200}, torch::kUInt8)};
  const auto found = read_gif(encode_gif(frames, 100));
  REQUIRE(found.size() == 2);
  for (size_t i = 0; i < 2; ++i) {
    const auto* p = frames[i].data_ptr<uint8_t>();
    CHECK(found[i] == std::vector<uint8_t>(p, p + frames[i].numel()));
  }
}

TEST_CASE("frames must be of one shape") {
  CHECK(error_of([] {
          encode_apng(
              {torch::zeros({1, 2, 2}, torch::kUInt8), torch::zeros({1, 3, 2}, torch::kUInt8)}, 10);
        }).find("[animation] frames of 1x2x2 and 1x3x2") == 0);
  CHECK(error_of([] { encode_gif({}, 10); }) == "[animation] no frames");
}

TEST_CASE("rows become an animation there and back, one column a frame") {
  const TempFolder folder;
  const Schema schema{{1, 8, 8}, Kind::kUnit, Json::object()};
  const auto path = folder.at("walk.gif");
  const auto file = create_output(path, schema, 8, 4);  // two lines of four
  const auto rows = torch::arange(8).view({8, 1, 1, 1}).expand({8, 1, 8, 8}) / 8.0;
  file->append(rows);
  file->commit();
  std::ifstream in(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  const auto frames = read_gif(bytes);
  REQUIRE(frames.size() == 6);  // 0 1 2 3 2 1
  CHECK(frames[1] == frames[5]);
  CHECK(frames[0] != frames[3]);
  CHECK(frames[2][0] == 64);  // 2/8 of the first line's rows
}

}  // namespace
}  // namespace elbo

#include <array>
#include <cmath>

#include "elbo/data/builtin.h"
#include "elbo/data/open.h"
#include "elbo/data/reader.h"
#include "elbo/kernels/parallel.h"

namespace elbo {
namespace {

// The factors and the picture size of dSprites (Matthey et al. 2017).
constexpr int64_t kSpriteSide = 64;
constexpr std::array<int64_t, 5> kFactors = {3, 6, 40, 32, 32};  // shape, scale, angle, x, y
constexpr int64_t kCombinations = 3 * 6 * 40 * 32 * 32;

/// Whether (u, v), v upwards, lies in the shape; every shape stays within 15.5 of its centre.
bool inside(int64_t shape, float u, float v) {
  if (shape == 0) return std::abs(u) <= 10 && std::abs(v) <= 10;
  if (shape == 1) return u * u / (14 * 14) + v * v / (7 * 7) <= 1;
  const float x = u / 10.5f, y = v / 10.5f, a = x * x + y * y - 1;
  return a * a * a - x * x * y * y * y <= 0;
}

void draw_sprite(const std::array<int64_t, 5>& factor, uint8_t* out) {
  const float scale = 0.5f + 0.1f * static_cast<float>(factor[1]);
  const float angle = 2 * static_cast<float>(M_PI) * static_cast<float>(factor[2]) / 40;
  const float c = std::cos(angle) / scale, s = std::sin(angle) / scale;
  const float x0 = 16 + 32 * static_cast<float>(factor[3]) / 31,
              y0 = 16 + 32 * static_cast<float>(factor[4]) / 31;
  const auto low = [](float at) { return std::max<int64_t>(0, static_cast<int64_t>(at - 17)); };
  const auto high = [](float at) {
    return std::min<int64_t>(kSpriteSide, static_cast<int64_t>(at + 18));
  };
  for (int64_t y = low(y0); y < high(y0); ++y) {
    for (int64_t x = low(x0); x < high(x0); ++x) {
      const float u = static_cast<float>(x) + 0.5f - x0, v = y0 - static_cast<float>(y) - 0.5f;
      if (inside(factor[0], c * u + s * v, c * v - s * u)) out[y * kSpriteSide + x] = 255;
    }
  }
}

/// Train takes combinations from the front of a shuffle, test from its end: no row is in both.
Data draw_sprites(const MadePart& part, uint64_t shuffle) {
  check(part.rows <= kCombinations / 2, "[builtin:sprites] rows: ", part.rows,
        " asked for, at most ", kCombinations / 2);
  const auto order = permutation(kCombinations, shuffle);
  Arrays a;
  a.x = torch::zeros({part.rows, 1, kSpriteSide, kSpriteSide}, torch::kUInt8);
  a.y = torch::empty({part.rows}, torch::kInt64);
  a.factors = torch::empty({part.rows, static_cast<int64_t>(kFactors.size())});
  auto* x = a.x.data_ptr<uint8_t>();
  auto* y = a.y.data_ptr<int64_t>();
  auto* f = a.factors.data_ptr<float>();
  kernels::over_ranges(0, part.rows, 256, [&](int64_t from, int64_t to) {
    for (int64_t r = from; r < to; ++r) {
      int64_t code = order[part.split == "train" ? r : kCombinations - 1 - r];
      std::array<int64_t, 5> factor;
      for (size_t k = kFactors.size(); k-- > 0; code /= kFactors[k]) {
        factor[k] = code % kFactors[k];
        f[r * 5 + static_cast<int64_t>(k)] = static_cast<float>(factor[k]);
      }
      y[r] = factor[0];
      draw_sprite(factor, x + r * kSpriteSide * kSpriteSide);
    }
  });
  a.schemas.x = {{1, kSpriteSide, kSpriteSide}, Kind::kByte, Json::object()};
  a.schemas.x.detail["factors"] = {"shape", "scale", "angle", "x", "y"};
  a.schemas.y = category_schema({"square", "ellipse", "heart"});
  return in_memory(std::move(a));
}

const bool builtin_sprites_added = builtins().add<NoOptions>(
    "sprites", "squares, ellipses and hearts 64x64 with the factors of dSprites",
    [](const DataOptions& options, const NoOptions&) {
      refuse_resize(options, "builtin:sprites");
      const auto shuffle = Draw{static_cast<uint64_t>(options.seed)}.key("sprites");
      const auto data = make_parts("sprites", options, 20000, 4000, [&](const MadePart& part) {
        return draw_sprites(part, shuffle);
      });
      return with_binarization(data, options, "dynamic");
    });

}  // namespace
}  // namespace elbo

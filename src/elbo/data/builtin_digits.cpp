#include <array>
#include <cmath>

#include "elbo/data/builtin.h"
#include "elbo/data/open.h"
#include "elbo/data/reader.h"
#include "elbo/kernels/parallel.h"

namespace elbo {
namespace {

constexpr int64_t kSide = 28;
constexpr int64_t kDigitDraws = 128;  // positions of the stream that belong to one row

struct Point {
  float x, y;           // in the unit box, y downwards
  bool corner = false;  // the pen changes direction here
};
using Stroke = std::vector<Point>;
using Glyph = std::vector<Stroke>;

/// The ways in which people write each digit.
const std::array<std::vector<Glyph>, 10>& glyphs() {
  constexpr bool c = true;
  static const std::array<std::vector<Glyph>, 10> all = {{
      {{{{.55f, .0f},
         {.2f, .15f},
         {.06f, .5f},
         {.2f, .87f},
         {.5f, 1.f},
         {.82f, .85f},
         {.94f, .5f},
         {.8f, .13f},
         {.5f, .01f}}},
       {{{.62f, .03f},
         {.25f, .12f},
         {.1f, .55f},
         {.3f, .97f},
         {.68f, .93f},
         {.9f, .5f},
         {.76f, .1f},
         {.42f, .04f}}}},
      {{{{.5f, .0f}, {.5f, .5f}, {.5f, 1.f}}},
       {{{.27f, .24f}, {.52f, .0f, c}, {.52f, 1.f}}},
       {{{.27f, .24f}, {.52f, .0f, c}, {.52f, .98f}}, {{.22f, .99f}, {.8f, .99f}}}},
      {{{{.1f, .26f},
         {.3f, .04f},
         {.66f, .03f},
         {.86f, .27f},
         {.62f, .6f},
         {.08f, .98f, c},
         {.5f, .95f},
         {.94f, .97f}}},
       {{{.12f, .2f},
         {.45f, .0f},
         {.82f, .2f},
         {.68f, .55f},
         {.3f, .93f},
         {.08f, .9f},
         {.22f, .72f},
         {.55f, .88f},
         {.96f, .93f}}}},
      {{{{.12f, .14f},
         {.45f, .0f},
         {.8f, .2f},
         {.42f, .46f, c},
         {.86f, .7f},
         {.5f, 1.f},
         {.06f, .88f}}},
       {{{.1f, .03f}, {.82f, .02f, c}, {.42f, .4f, c}, {.88f, .68f}, {.5f, 1.f}, {.06f, .88f}}}},
      {{{{.2f, .02f}, {.1f, .36f}, {.12f, .55f, c}, {.5f, .56f}, {.92f, .5f}},
        {{.82f, .0f}, {.76f, .5f}, {.72f, 1.f}}},
       {{{.66f, .0f}, {.36f, .34f}, {.05f, .66f, c}, {.5f, .67f}, {.98f, .64f}},
        {{.7f, .02f}, {.68f, 1.f}}}},
      {{{{.86f, .02f},
         {.26f, .03f, c},
         {.2f, .44f, c},
         {.56f, .37f},
         {.88f, .66f},
         {.56f, .98f},
         {.08f, .9f}}},
       {{{.3f, .04f}, {.22f, .44f, c}, {.6f, .4f}, {.84f, .68f}, {.5f, 1.f}, {.1f, .92f}},
        {{.3f, .04f}, {.9f, .0f}}}},
      {{{{.74f, .0f},
         {.36f, .24f},
         {.13f, .64f},
         {.32f, .96f},
         {.68f, .96f},
         {.87f, .73f},
         {.62f, .51f},
         {.3f, .6f},
         {.17f, .76f}}},
       {{{.5f, .0f},
         {.22f, .36f},
         {.14f, .74f},
         {.42f, 1.f},
         {.8f, .84f},
         {.72f, .58f},
         {.4f, .57f},
         {.2f, .78f}}}},
      {{{{.08f, .06f}, {.5f, .05f}, {.9f, .04f, c}, {.6f, .46f}, {.38f, 1.f}}},
       {{{.08f, .2f}, {.1f, .04f, c}, {.9f, .03f, c}, {.62f, .46f}, {.42f, 1.f}},
        {{.28f, .52f}, {.82f, .48f}}}},
      {{{{.8f, .16f},
         {.5f, .0f},
         {.2f, .2f},
         {.5f, .48f},
         {.84f, .77f},
         {.5f, 1.f},
         {.16f, .78f},
         {.5f, .48f},
         {.8f, .17f}}},
       {{{.5f, .46f},
         {.2f, .24f},
         {.5f, .01f},
         {.8f, .22f},
         {.5f, .46f},
         {.14f, .74f},
         {.5f, 1.f},
         {.86f, .76f},
         {.5f, .47f}}}},
      {{{{.82f, .2f},
         {.5f, .02f},
         {.15f, .26f},
         {.42f, .5f},
         {.78f, .32f},
         {.84f, .12f, c},
         {.82f, .55f},
         {.6f, 1.f}}},
       {{{.8f, .14f},
         {.42f, .02f},
         {.16f, .3f},
         {.46f, .48f},
         {.8f, .16f, c},
         {.76f, .6f},
         {.74f, 1.f}}}},
  }};
  return all;
}

/// Uniform Catmull-Rom through the points from..to (no corner between them), as a fine polyline.
void append_curve(const Stroke& s, size_t from, size_t to, Stroke& line) {
  constexpr int kSteps = 7;
  for (size_t i = from; i < to; ++i) {
    const Point &b = s[i], &d = s[i + 1];
    const Point a = i > from ? s[i - 1] : Point{2 * b.x - d.x, 2 * b.y - d.y};
    const Point e = i + 1 < to ? s[i + 2] : Point{2 * d.x - b.x, 2 * d.y - b.y};
    for (int k = i == from ? 0 : 1; k <= kSteps; ++k) {
      const float t = static_cast<float>(k) / kSteps, t2 = t * t, t3 = t2 * t;
      const auto at = [&](float p, float q, float r, float w) {
        return 0.5f * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - w) * t2 +
                       (3 * q - p - 3 * r + w) * t3);
      };
      line.push_back({at(a.x, b.x, d.x, e.x), at(a.y, b.y, d.y, e.y)});
    }
  }
}

Stroke smooth(const Stroke& s) {
  Stroke line;
  size_t from = 0;
  for (size_t i = 1; i < s.size(); ++i) {
    if (!s[i].corner && i + 1 < s.size()) continue;
    append_curve(s, from, i, line);
    from = i;
  }
  return line;
}

/// Ink of a pen of this radius along a segment, 1 inside, falling to 0 over one pixel.
void draw_segment(const Point& p, const Point& q, float radius, float* ink) {
  const float reach = radius + 0.5f, dx = q.x - p.x, dy = q.y - p.y;
  const float length2 = std::max(dx * dx + dy * dy, 1e-9f);
  const auto clamp = [](float v) {
    return static_cast<int64_t>(std::min(std::max(v, 0.f), static_cast<float>(kSide)));
  };
  const int64_t left = clamp(std::min(p.x, q.x) - reach - 0.5f),
                right = clamp(std::max(p.x, q.x) + reach + 1),
                top = clamp(std::min(p.y, q.y) - reach - 0.5f),
                bottom = clamp(std::max(p.y, q.y) + reach + 1);
  for (int64_t y = top; y < bottom; ++y) {
    for (int64_t x = left; x < right; ++x) {
      const float px = static_cast<float>(x) + 0.5f - p.x, py = static_cast<float>(y) + 0.5f - p.y;
      const float t = std::min(std::max((px * dx + py * dy) / length2, 0.f), 1.f);
      const float ex = px - t * dx, ey = py - t * dy;
      const float value = reach - std::sqrt(ex * ex + ey * ey);
      ink[y * kSide + x] = std::max(ink[y * kSide + x], std::min(value, 1.f));
    }
  }
}

/// The numbers that make one digit.
class Writer {
 public:
  Writer(uint64_t stream, int64_t row)
      : key_(stream), at_(static_cast<uint64_t>(row) * 2 * kDigitDraws) {
    label = static_cast<int64_t>(uniform() * 10);
    slant = std::min(std::max(0.18f + 0.2f * normal(), -0.35f), 0.75f);
    thickness = std::exp(0.85f + 0.25f * normal());
    thickness = std::min(std::max(thickness, 1.3f), 4.2f);
    scale = 0.82f + 0.28f * uniform();
  }

  void write(uint8_t* out) {
    const auto& ways = glyphs()[static_cast<size_t>(label)];
    auto glyph = ways[static_cast<size_t>(uniform() * static_cast<float>(ways.size()))];
    const float height = 19 * scale, width = height * (0.56f + 0.24f * uniform());
    const float turn = 0.07f * normal(), wobble = 0.012f + 0.026f * uniform();
    float x0 = 1e9f, x1 = -1e9f, y0 = 1e9f, y1 = -1e9f;
    for (auto& stroke : glyph) {
      for (auto& p : stroke) {
        p.x += wobble * normal();
        p.y += wobble * normal();
      }
      stroke = smooth(stroke);
      for (auto& p : stroke) {
        const float v = (p.y - 0.5f) * height, u = (p.x - 0.5f) * width - slant * v;
        p = {u - turn * v, v + turn * u};
        x0 = std::min(x0, p.x), x1 = std::max(x1, p.x);
        y0 = std::min(y0, p.y), y1 = std::max(y1, p.y);
      }
    }
    const float middle = kSide / 2.f;
    const float right = middle - (x0 + x1) / 2 + 0.6f * normal(),
                down = middle - (y0 + y1) / 2 + 0.6f * normal();
    std::array<float, kSide * kSide> ink{};
    for (auto& stroke : glyph) {
      for (auto& p : stroke) p = {p.x + right, p.y + down};
      for (size_t i = 1; i < stroke.size(); ++i) {
        draw_segment(stroke[i - 1], stroke[i], thickness / 2, ink.data());
      }
    }
    for (size_t i = 0; i < ink.size(); ++i) {
      out[i] = static_cast<uint8_t>(std::lround(255 * ink[i]));
    }
  }

  int64_t label;
  float slant, thickness, scale;

 private:
  float uniform() { return static_cast<float>(bits_at(key_, at_++) >> 40) * 0x1p-24f; }
  float normal() {
    at_ += at_ & 1;  // a normal draw takes an even position and the odd one after it
    const auto value = normal_at(key_, at_ / 2);
    at_ += 2;
    return static_cast<float>(value);
  }

  uint64_t key_, at_;
};

Data write_digits(const MadePart& part) {
  Arrays a;
  a.x = torch::empty({part.rows, 1, kSide, kSide}, torch::kUInt8);
  a.y = torch::empty({part.rows}, torch::kInt64);
  a.factors = torch::empty({part.rows, 4});
  auto* x = a.x.data_ptr<uint8_t>();
  auto* y = a.y.data_ptr<int64_t>();
  auto* f = a.factors.data_ptr<float>();
  kernels::over_ranges(0, part.rows, 256, [&](int64_t from, int64_t to) {
    for (int64_t r = from; r < to; ++r) {
      Writer writer(part.stream, r);
      writer.write(x + r * kSide * kSide);
      y[r] = writer.label;
      const float row[] = {static_cast<float>(writer.label), writer.slant, writer.thickness,
                           writer.scale};
      std::copy(std::begin(row), std::end(row), f + 4 * r);
    }
  });
  a.schemas.x = {{1, kSide, kSide}, Kind::kByte, Json::object()};
  a.schemas.x.detail["factors"] = {"label", "slant", "thickness", "scale"};
  a.schemas.y = category_schema({"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"});
  return in_memory(std::move(a));
}

const bool builtin_digits_added = builtins().add<NoOptions>(
    "digits", "handwritten-looking digits 28x28 with label, slant, thickness and scale",
    [](const DataOptions& options, const NoOptions&) {
      refuse_resize(options, "builtin:digits");
      return with_binarization(make_parts("digits", options, 10000, 2000, write_digits), options,
                               "dynamic");
    });

}  // namespace
}  // namespace elbo

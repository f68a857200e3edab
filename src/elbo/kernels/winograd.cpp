#include "elbo/kernels/winograd.h"

#include <cstring>

#include "elbo/kernels/vector.h"

namespace elbo::kernels {
namespace {

/// Sixteen channels of a place.
using Lanes = float __attribute__((vector_size(64)));
static_assert(sizeof(Lanes) == kTileLanes * sizeof(float));

ELBO_INLINE void read_lanes(const float* from, Lanes& to) { std::memcpy(&to, from, sizeof to); }
ELBO_INLINE void write_lanes(const Lanes& from, float* to) { std::memcpy(to, &from, sizeof from); }

// One line each of the matrices B', A', A, G and G' of the points 0, 1, -1, 2, -2.

struct InputLine {
  static constexpr int kFrom = 6, kTo = 6;
  static ELBO_INLINE void apply(const Lanes* d, Lanes* v) {
    const Lanes even = d[4] - 4.0f * d[2], odd = d[3] - 4.0f * d[1];
    const Lanes wide = d[4] - d[2], far = 2.0f * (d[3] - d[1]);
    v[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
    v[1] = even + odd;
    v[2] = even - odd;
    v[3] = wide + far;
    v[4] = wide - far;
    v[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
  }
};

struct OutputLine {
  static constexpr int kFrom = 6, kTo = 4;
  static ELBO_INLINE void apply(const Lanes* m, Lanes* y) {
    const Lanes sum1 = m[1] + m[2], apart1 = m[1] - m[2], sum2 = m[3] + m[4], apart2 = m[3] - m[4];
    y[0] = m[0] + sum1 + sum2;
    y[1] = apart1 + 2.0f * apart2;
    y[2] = sum1 + 4.0f * sum2;
    y[3] = apart1 + 8.0f * apart2 + m[5];
  }
};

struct GradientLine {
  static constexpr int kFrom = 4, kTo = 6;
  static ELBO_INLINE void apply(const Lanes* y, Lanes* z) {
    const Lanes even1 = y[0] + y[2], odd1 = y[1] + y[3];
    const Lanes even2 = y[0] + 4.0f * y[2], odd2 = 2.0f * y[1] + 8.0f * y[3];
    z[0] = y[0];
    z[1] = even1 + odd1;
    z[2] = even1 - odd1;
    z[3] = even2 + odd2;
    z[4] = even2 - odd2;
    z[5] = y[3];
  }
};

constexpr float kSixth = 1.0f / 6, kTwelfth = 1.0f / 12, kSmall = 1.0f / 24;

struct WeightLine {
  static constexpr int kFrom = 3, kTo = 6;
  static ELBO_INLINE void apply(const Lanes* g, Lanes* u) {
    const Lanes ends = -kSixth * (g[0] + g[2]), middle = kSixth * g[1];
    const Lanes wide = kSmall * g[0] + kSixth * g[2], half = kTwelfth * g[1];
    u[0] = 0.25f * g[0];
    u[1] = ends - middle;
    u[2] = ends + middle;
    u[3] = wide + half;
    u[4] = wide - half;
    u[5] = g[2];
  }
};

struct WeightGradientLine {
  static constexpr int kFrom = 6, kTo = 3;
  static ELBO_INLINE void apply(const Lanes* u, Lanes* g) {
    const Lanes near = kSixth * (u[1] + u[2]), far = u[3] + u[4];
    g[0] = 0.25f * u[0] - near + kSmall * far;
    g[1] = kSixth * (u[2] - u[1]) + kTwelfth * (u[3] - u[4]);
    g[2] = kSixth * far - near + u[5];
  }
};

/// A line's transform along both sides of a square: its rows lie one after the other.
template <class Line>
ELBO_INLINE void both_sides(const Lanes* square, Lanes* result) {
  constexpr int kFrom = Line::kFrom, kTo = Line::kTo;
  Lanes across[kFrom * kTo], column[kFrom], made[kTo];
  for (int i = 0; i < kFrom; ++i) Line::apply(square + kFrom * i, across + kTo * i);
  for (int j = 0; j < kTo; ++j) {
    for (int i = 0; i < kFrom; ++i) column[i] = across[kTo * i + j];
    Line::apply(column, made);
    for (int i = 0; i < kTo; ++i) result[kTo * i + j] = made[i];
  }
}

/// Where a tile's first place lies: its row's picture, and the place's coordinates.
struct TilePlace {
  int64_t picture, y, x;
};
ELBO_INLINE TilePlace place_of(const TiledImage& image, int64_t tile) {
  const int64_t across = image.tiles_across(), down = image.tiles_down();
  return {tile / (across * down), tile / across % down * kTileSide, tile % across * kTileSide};
}

/// Sixteen channels of the square of places that begins at (y, x), zero beyond the picture.
template <int kSide>
ELBO_INLINE void read_square(const TiledImage& image, const float* picture, int64_t y, int64_t x,
                             int64_t channel, Lanes* to) {
  for (int i = 0; i < kSide; ++i) {
    for (int j = 0; j < kSide; ++j) {
      const bool inside = y + i >= 0 && y + i < image.height && x + j >= 0 && x + j < image.width;
      if (inside) {
        read_lanes(picture + ((y + i) * image.width + x + j) * image.channels + channel,
                   to[kSide * i + j]);
      } else {
        to[kSide * i + j] = Lanes{};
      }
    }
  }
}

template <int kSide, class Line>
ELBO_INLINE void squares_to_tiles(const TiledImage& image, const float* from, int64_t around,
                                  int64_t first, int64_t last, float* to) {
  const int64_t plane = plane_of(last - first, image.channels);
  for (int64_t tile = first; tile < last; ++tile) {
    const auto at = place_of(image, tile);
    const float* picture = from + at.picture * image.height * image.width * image.channels;
    float* target = to + (tile - first) * image.channels;
    for (int64_t c = 0; c < image.channels; c += kTileLanes) {
      Lanes square[kSide * kSide], made[kTileParts];
      read_square<kSide>(image, picture, at.y - around, at.x - around, c, square);
      both_sides<Line>(square, made);
      for (int e = 0; e < kTileParts; ++e) write_lanes(made[e], target + e * plane + c);
    }
  }
}

/// Sixteen outputs' kernels of one input.
ELBO_INLINE void read_kernels(const TiledWeights& weights, const float* w, int64_t in, int64_t out,
                              Lanes* kernels) {
  float values[9][kTileLanes];
  for (int64_t o = 0; o < kTileLanes; ++o) {
    const float* kernel = w + in * weights.in_stride + (out + o) * weights.out_stride;
    for (int j = 0; j < 9; ++j) values[j][o] = kernel[weights.turned ? 8 - j : j];
  }
  for (int j = 0; j < 9; ++j) read_lanes(values[j], kernels[j]);
}

ELBO_CLONES void transform_input(const TiledImage& image, const float* x, int64_t first,
                                 int64_t last, float* to) {
  squares_to_tiles<6, InputLine>(image, x, 1, first, last, to);
}

ELBO_CLONES void transform_gradient(const TiledImage& image, const float* dy, int64_t first,
                                    int64_t last, float* to) {
  squares_to_tiles<4, GradientLine>(image, dy, 0, first, last, to);
}

ELBO_CLONES void transform_output(const TiledImage& image, const float* products, const float* bias,
                                  int64_t first, int64_t last, float* y) {
  const int64_t plane = plane_of(last - first, image.channels);
  for (int64_t tile = first; tile < last; ++tile) {
    const auto at = place_of(image, tile);
    float* picture = y + at.picture * image.height * image.width * image.channels;
    const float* source = products + (tile - first) * image.channels;
    const int64_t down = std::min(kTileSide, image.height - at.y),
                  across = std::min(kTileSide, image.width - at.x);
    for (int64_t c = 0; c < image.channels; c += kTileLanes) {
      Lanes square[kTileParts], made[kTileSide * kTileSide], shift = {};
      if (bias != nullptr) read_lanes(bias + c, shift);
      for (int e = 0; e < kTileParts; ++e) read_lanes(source + e * plane + c, square[e]);
      both_sides<OutputLine>(square, made);
      for (int64_t i = 0; i < down; ++i) {
        for (int64_t j = 0; j < across; ++j) {
          const Lanes value = made[kTileSide * i + j] + shift;
          write_lanes(value, picture + ((at.y + i) * image.width + at.x + j) * image.channels + c);
        }
      }
    }
  }
}

ELBO_CLONES void transform_weights(const TiledWeights& weights, const float* w, int64_t first,
                                   int64_t last, float* to) {
  const int64_t plane = plane_of(weights.in, weights.out);
  for (int64_t out = first; out < last; out += kTileLanes) {
    for (int64_t in = 0; in < weights.in; ++in) {
      Lanes kernels[9], made[kTileParts];
      read_kernels(weights, w, in, out, kernels);
      both_sides<WeightLine>(kernels, made);
      float* target = to + in * weights.out + out;
      for (int e = 0; e < kTileParts; ++e) write_lanes(made[e], target + e * plane);
    }
  }
}

ELBO_CLONES void transform_weight_gradient(const TiledWeights& weights, const float* tiles,
                                           int64_t parts, int64_t first, int64_t last,
                                           float* dweight, bool add) {
  const int64_t plane = plane_of(weights.in, weights.out);
  for (int64_t out = first; out < last; out += kTileLanes) {
    for (int64_t in = 0; in < weights.in; ++in) {
      Lanes square[kTileParts], part, kernels[9];
      const float* source = tiles + in * weights.out + out;
      for (int e = 0; e < kTileParts; ++e) {
        read_lanes(source + e * plane, square[e]);
        for (int64_t p = 1; p < parts; ++p) {
          read_lanes(source + (p * kTileParts + e) * plane, part);
          square[e] += part;
        }
      }
      both_sides<WeightGradientLine>(square, kernels);
      for (int64_t o = 0; o < kTileLanes; ++o) {
        float* kernel = dweight + in * weights.in_stride + (out + o) * weights.out_stride;
        for (int j = 0; j < 9; ++j) kernel[j] = (add ? kernel[j] : 0) + kernels[j][o];
      }
    }
  }
}

}  // namespace

// Clones have no names of their own to others: their resolvers would show in the library.

void tiles_of_input(const TiledImage& image, const float* x, int64_t first, int64_t last,
                    float* to) {
  transform_input(image, x, first, last, to);
}
void tiles_of_gradient(const TiledImage& image, const float* dy, int64_t first, int64_t last,
                       float* to) {
  transform_gradient(image, dy, first, last, to);
}
void output_of_tiles(const TiledImage& image, const float* products, const float* bias,
                     int64_t first, int64_t last, float* y) {
  transform_output(image, products, bias, first, last, y);
}
void tiles_of_weights(const TiledWeights& weights, const float* w, int64_t first, int64_t last,
                      float* to) {
  transform_weights(weights, w, first, last, to);
}
void weights_of_tiles(const TiledWeights& weights, const float* tiles, int64_t parts, int64_t first,
                      int64_t last, float* dweight, bool add) {
  transform_weight_gradient(weights, tiles, parts, first, last, dweight, add);
}

}  // namespace elbo::kernels

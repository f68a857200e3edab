#pragma once

#include <cstdint>

// The transforms of F(4x4, 3x3) for channels-last pictures (Winograd 1980; Lavin & Gray 2016,
// arXiv:1509.09308): a convolution of kernel 3, stride 1 and padding 1 as 36 products of matrices,
// a quarter of the multiplications. Numbers of channels are multiples of 16.

namespace elbo::kernels {

constexpr int64_t kTileSide = 4, kTileParts = 36, kTileLanes = 16;

/// `rows` pictures [height, width, channels], in tiles of 4x4 places, row by row.
struct TiledImage {
  int64_t rows, height, width, channels;

  int64_t tiles_across() const { return (width + kTileSide - 1) / kTileSide; }
  int64_t tiles_down() const { return (height + kTileSide - 1) / kTileSide; }
  int64_t tiles() const { return rows * tiles_down() * tiles_across(); }
};

/// Where the weight [o][i][3][3] of one output and one input lies: strides of both; `turned`: the
/// kernel turned by 180 degrees, as the gradient of the input reads it.
struct TiledWeights {
  int64_t in, out, in_stride, out_stride;
  bool turned;
};

/// Numbers from one of the 36 matrices to the next: off the powers of two, whose lines of memory
/// would all fall into the same places of the cache.
constexpr int64_t plane_of(int64_t rows, int64_t columns) { return rows * columns + kTileLanes; }

/// Tiles first … last-1 with the places around them: to [36 planes, last - first, channels].
void tiles_of_input(const TiledImage& image, const float* x, int64_t first, int64_t last,
                    float* to);
/// Tiles of the output from their products [36 planes, last - first, channels], plus the bias
/// [channels] where there is one.
void output_of_tiles(const TiledImage& image, const float* products, const float* bias,
                     int64_t first, int64_t last, float* y);
/// Tiles of the output's gradient, as the weights' gradient multiplies them.
void tiles_of_gradient(const TiledImage& image, const float* dy, int64_t first, int64_t last,
                       float* to);
/// Weights of outputs first … last-1 (multiples of 16): to [36 planes, in, out].
void tiles_of_weights(const TiledWeights& weights, const float* w, int64_t first, int64_t last,
                      float* to);
/// dweight = or += the gradient whose tiles are the sum of `parts` arrays [36 planes, in, out].
void weights_of_tiles(const TiledWeights& weights, const float* tiles, int64_t parts, int64_t first,
                      int64_t last, float* dweight, bool add);

}  // namespace elbo::kernels

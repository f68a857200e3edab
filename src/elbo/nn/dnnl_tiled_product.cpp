#include <algorithm>

#include "elbo/core/light.h"
#include "elbo/kernels/parallel.h"
#include "elbo/kernels/winograd.h"
#include "elbo/nn/dnnl_engine.h"
#include "elbo/nn/dnnl_version.h"
#include "elbo/nn/tiled_product.h"

namespace elbo {
namespace {

using dnnl::memory;
using kernels::kTileLanes;
using kernels::kTileParts;
using kernels::TiledImage;
using kernels::TiledWeights;

/// Below these the transforms cost what the products save.
constexpr int64_t kFewestTiles = 32, kFewestChannels = 48;
constexpr int64_t kChunkBytes = 768 * 1024;
/// Of weight gradients: sums that are kept apart, so that any number of threads adds alike.
constexpr int64_t kMostParts = 16, kPartChunks = 8, kPartNumbers = 8 * 1024 * 1024;

/// 36 products c [m, n] = or += a b; `turned`: a is [k, m].
struct TileKey {
  int64_t m, n, k;
  bool turned, add;
  bool operator==(const TileKey&) const = default;
  std::array<int64_t, 4> numbers() const { return {m, n, k, turned | add << 1}; }
};

struct BoundTiles {
  dnnl::matmul primitive;
  memory a, b, c;
};

BoundTiles make_tiles(const TileKey& key) {
  const auto of = [](int64_t rows, int64_t columns, bool turned) {
    const int64_t plane = kernels::plane_of(rows, columns);
    const auto strides = turned ? memory::dims{plane, 1, rows} : memory::dims{plane, columns, 1};
    return memory::desc({kTileParts, rows, columns}, memory::data_type::f32, strides);
  };
  dnnl::post_ops ops;
  if (key.add) ops.append_sum(1);
  dnnl::primitive_attr attr;
  attr.set_post_ops(ops);
  const auto a = of(key.m, key.k, key.turned), b = of(key.k, key.n, false),
             c = of(key.m, key.n, false);
  return {dnnl::matmul(described<dnnl::matmul>(dnnl_engine(), attr, a, b, c)), unbound(a),
          unbound(b), unbound(c)};
}

void multiply(const TileKey& key, const float* a, const float* b, float* c) {
  static thread_local PrimitiveCache<TileKey, BoundTiles> cache;
  auto& bound = cache.get(key, [&] { return make_tiles(key); });
  bound.a.set_data_handle(address(a));
  bound.b.set_data_handle(address(b));
  bound.c.set_data_handle(c);
  bound.primitive.execute(
      dnnl_stream(),
      {{DNNL_ARG_SRC, bound.a}, {DNNL_ARG_WEIGHTS, bound.b}, {DNNL_ARG_DST, bound.c}});
}

/// Tiles that go through a transform, the products and another one without leaving the cache.
int64_t chunk_of(int64_t in, int64_t out) {
  const int64_t each = kTileParts * (in + out) * static_cast<int64_t>(sizeof(float));
  return std::max(kFewestTiles, kChunkBytes / each / kTileLanes * kTileLanes);
}

float* data_of(const Tensor& t) { return t.data_ptr<float>(); }

int64_t planes(int64_t rows, int64_t columns) {
  return kTileParts * kernels::plane_of(rows, columns);
}

/// y = the convolution of x by these weights.
void convolve_tiles(const TiledImage& in, const TiledImage& out, const TiledWeights& weights,
                    const float* x, const float* w, const float* bias, float* y) {
  const auto tiles = empty_floats({planes(weights.in, weights.out)});
  kernels::over_ranges(0, weights.out / kTileLanes, 1, [&](int64_t first, int64_t last) {
    kernels::tiles_of_weights(weights, w, first * kTileLanes, last * kTileLanes, data_of(tiles));
  });
  const int64_t all = in.tiles(), chunk = chunk_of(in.channels, out.channels);
  kernels::over_ranges(0, (all + chunk - 1) / chunk, 1, [&](int64_t from, int64_t to) {
    const auto read = empty_floats({planes(chunk, in.channels)}),
               made = empty_floats({planes(chunk, out.channels)});
    for (int64_t first = from * chunk; first < std::min(all, to * chunk); first += chunk) {
      const int64_t last = std::min(all, first + chunk);
      kernels::tiles_of_input(in, x, first, last, data_of(read));
      multiply({last - first, out.channels, in.channels, false, false}, data_of(read),
               data_of(tiles), data_of(made));
      kernels::output_of_tiles(out, data_of(made), bias, first, last, y);
    }
  });
}

TiledImage source_of(const ImageProduct& p) { return {p.rows, p.src[0], p.src[1], p.in}; }
TiledImage target_of(const ImageProduct& p) { return {p.rows, p.dst[0], p.dst[1], p.out}; }
TiledWeights weights_of(const ImageProduct& p) { return {p.in, p.out, 9, 9 * p.in, false}; }

}  // namespace

bool tiles_pay(const ImageProduct& p) {
  const std::array<int64_t, 2> three{3, 3}, one{1, 1};
  return !p.bf16 && p.kernel == three && p.stride == one && p.padding == one &&
         p.in % kTileLanes == 0 && p.out % kTileLanes == 0 && p.in + p.out >= kFewestChannels &&
         source_of(p).tiles() >= kFewestTiles;
}

void tiled_forward(const ImageProduct& p, const float* src, const float* weight, const float* bias,
                   float* dst) {
  convolve_tiles(source_of(p), target_of(p), weights_of(p), src, weight, bias, dst);
}

void tiled_backward(const ImageProduct& p, const float* ddst, const float* weight, float* dsrc) {
  const TiledWeights turned{p.out, p.in, 9 * p.in, 9, true};
  convolve_tiles(target_of(p), source_of(p), turned, ddst, weight, nullptr, dsrc);
}

void tiled_weights(const ImageProduct& p, const float* src, const float* ddst, float* dweight,
                   bool add) {
  const auto in = source_of(p), out = target_of(p);
  const auto weights = weights_of(p);
  const int64_t all = in.tiles(), chunk = chunk_of(p.in, p.out);
  const int64_t chunks = (all + chunk - 1) / chunk;
  const int64_t each = planes(p.in, p.out);
  const int64_t afford = std::min(kMostParts, kPartNumbers / each);
  const int64_t parts =
      std::min(std::max<int64_t>(std::min(afford, chunks / kPartChunks), 2), chunks);
  const auto sums = empty_floats({parts * each});
  kernels::over_ranges(0, parts, 1, [&](int64_t from, int64_t to) {
    const auto read = empty_floats({planes(chunk, p.in)}),
               given = empty_floats({planes(chunk, p.out)});
    for (int64_t part = from; part < to; ++part) {
      float* sum = data_of(sums) + part * each;
      const int64_t begin = chunks * part / parts * chunk,
                    end = std::min(all, chunks * (part + 1) / parts * chunk);
      for (int64_t first = begin; first < end; first += chunk) {
        const int64_t last = std::min(end, first + chunk);
        kernels::tiles_of_input(in, src, first, last, data_of(read));
        kernels::tiles_of_gradient(out, ddst, first, last, data_of(given));
        multiply({p.in, p.out, last - first, true, first > begin}, data_of(read), data_of(given),
                 sum);
      }
    }
  });
  kernels::over_ranges(0, p.out / kTileLanes, 1, [&](int64_t first, int64_t last) {
    kernels::weights_of_tiles(weights, data_of(sums), parts, first * kTileLanes, last * kTileLanes,
                              dweight, add);
  });
}

}  // namespace elbo

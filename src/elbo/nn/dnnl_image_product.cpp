#include <omp.h>

#include <array>

#include "elbo/nn/dnnl_engine.h"
#include "elbo/nn/dnnl_version.h"
#include "elbo/nn/image_product.h"

namespace elbo {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

enum class Pass { kForward, kForwardBias, kBackward, kWeights, kAddWeights };

struct ImageKey {
  ImageProduct product;
  Pass pass;
  Activation activation;
  int threads;
  bool operator==(const ImageKey&) const = default;
  std::array<int64_t, 9> numbers() const {
    const auto& p = product;
    const auto both = [](const std::array<int64_t, 2>& pair) { return pair[0] << 32 | pair[1]; };
    return {
        p.rows,
        p.in,
        p.out,
        both(p.src),
        both(p.dst),
        both(p.kernel),
        both(p.stride),
        both(p.padding),
        static_cast<int>(pass) | p.bf16 << 3 | static_cast<int>(activation) << 4 | threads << 8};
  }
};

// A primitive, its images (whose addresses change from call to call), and its weights in the
// layout that it likes best, with the reorder from or to the plain ones at each call.
struct BoundImage {
  dnnl::primitive primitive;
  memory src, dst, bias, weight, plain;
  dnnl::reorder reorder;
};

memory::desc image(const ImageProduct& p, int64_t channels, const std::array<int64_t, 2>& size,
                   bool read) {
  const auto type = p.bf16 && read ? memory::data_type::bf16 : memory::data_type::f32;
  return {{p.rows, channels, size[0], size[1]}, type, Tag::nhwc};
}

bool writes_weights(Pass pass) { return pass == Pass::kWeights || pass == Pass::kAddWeights; }

memory::data_type weight_type(const ImageProduct& p, Pass pass) {
  return p.bf16 && !writes_weights(pass) ? memory::data_type::bf16 : memory::data_type::f32;
}

memory::dims pair(const std::array<int64_t, 2>& p) { return {p[0], p[1]}; }

struct Layout {
  Layout(const ImageProduct& p, Pass pass)
      : src(image(p, p.in, p.src, pass != Pass::kBackward)),
        dst(image(p, p.out, p.dst, pass == Pass::kBackward || writes_weights(pass))),
        weight({p.out, p.in, p.kernel[0], p.kernel[1]}, weight_type(p, pass), Tag::any),
        plain({p.out, p.in, p.kernel[0], p.kernel[1]}, memory::data_type::f32, Tag::oihw),
        bias({p.out}, memory::data_type::f32, Tag::x),
        stride(pair(p.stride)),
        padding(pair(p.padding)) {}
  memory::desc src, dst, weight, plain, bias;
  memory::dims stride, padding;
};

dnnl::convolution_forward::primitive_desc forward_desc(const Layout& l, bool bias,
                                                       Activation activation) {
  using Forward = dnnl::convolution_forward;
  const auto kind = dnnl::prop_kind::forward_training;
  const auto direct = dnnl::algorithm::convolution_direct;
  dnnl::post_ops ops;
  append_activation(ops, activation);
  dnnl::primitive_attr attr;
  attr.set_post_ops(ops);
  if (!bias)
    return described<Forward>(dnnl_engine(), attr, kind, direct, l.src, l.weight, l.dst, l.stride,
                              l.padding, l.padding);
  return described<Forward>(dnnl_engine(), attr, kind, direct, l.src, l.weight, l.bias, l.dst,
                            l.stride, l.padding, l.padding);
}

BoundImage make_image(const ImageKey& key) {
  const Layout l(key.product, key.pass);
  const auto direct = dnnl::algorithm::convolution_direct;
  const auto& engine = dnnl_engine();
  const bool bias = key.pass == Pass::kForwardBias;
  const bool forward = bias || key.pass == Pass::kForward;
  const auto hint =
      forward_desc(forward ? l : Layout(key.product, Pass::kForward), bias, key.activation);
  memory::desc weight;
  BoundImage b;
  if (forward) {
    b.primitive = dnnl::convolution_forward(hint);
    weight = hint.weights_desc();
  } else if (key.pass == Pass::kBackward) {
    using Backward = dnnl::convolution_backward_data;
    const auto desc = backward_described<Backward>(engine, hint, direct, l.src, l.weight, l.dst,
                                                   l.stride, l.padding, l.padding);
    b.primitive = Backward(desc);
    weight = desc.weights_desc();
  } else {
    using Backward = dnnl::convolution_backward_weights;
    const auto desc = backward_described<Backward>(engine, hint, direct, l.src, l.weight, l.dst,
                                                   l.stride, l.padding, l.padding);
    b.primitive = Backward(desc);
    weight = desc.diff_weights_desc();
  }
  b.src = unbound(l.src);
  b.dst = unbound(l.dst);
  b.bias = unbound(l.bias);
  b.plain = unbound(l.plain);
  b.weight = unbound(weight);
  dnnl::primitive_attr attr;
  if (key.pass == Pass::kAddWeights) {
    dnnl::post_ops ops;
    ops.append_sum(1);
    attr.set_post_ops(ops);
  }
  b.reorder = writes_weights(key.pass) ? dnnl::reorder(b.weight, b.plain, attr)
                                       : dnnl::reorder(b.plain, b.weight);
  return b;
}

/// Room for the weights of a call: one for all primitives of a thread, since each size of pictures
/// has its own.
void* weight_room(size_t bytes) {
  static thread_local memory room;
  static thread_local size_t held = 0;
  if (bytes > held) {
    const memory::dims size{static_cast<int64_t>(bytes)};
    room = memory({size, memory::data_type::u8, Tag::x}, dnnl_engine());
    held = bytes;
  }
  return room.get_data_handle();
}

BoundImage& bound_image(const ImageProduct& product, Pass pass, Activation activation,
                        const void* src, const void* dst, const float* weight) {
  static thread_local PrimitiveCache<ImageKey, BoundImage> cache;
  const ImageKey key{product, pass, activation, omp_get_max_threads()};
  auto& b = cache.get(key, [&] { return make_image(key); });
  b.src.set_data_handle(address(src));
  b.dst.set_data_handle(address(dst));
  b.plain.set_data_handle(address(weight));
  b.weight.set_data_handle(weight_room(b.weight.get_desc().get_size()));
  return b;
}

}  // namespace

Work work_of(const ImageProduct& p) {
  const auto places = [&](const std::array<int64_t, 2>& size) {
    return static_cast<double>(p.rows * size[0] * size[1]);
  };
  const auto weights = static_cast<double>(p.in * p.out * p.kernel[0] * p.kernel[1]);
  const auto in = static_cast<double>(p.in), out = static_cast<double>(p.out);
  const double bytes = p.bf16 ? 3 : 4;  // one of the two images is read, one written
  return {2 * weights * places(p.dst),
          bytes * (places(p.src) * in + places(p.dst) * out) + 4 * weights, p.bf16};
}

void image_forward(const ImageProduct& product, const void* src, const float* weight,
                   const float* bias, Activation activation, float* dst) {
  auto& b = bound_image(product, bias ? Pass::kForwardBias : Pass::kForward, activation, src, dst,
                        weight);
  b.reorder.execute(dnnl_stream(), b.plain, b.weight);
  if (bias) b.bias.set_data_handle(address(bias));
  std::unordered_map<int, memory> args{
      {DNNL_ARG_SRC, b.src}, {DNNL_ARG_WEIGHTS, b.weight}, {DNNL_ARG_DST, b.dst}};
  if (bias) args.emplace(DNNL_ARG_BIAS, b.bias);
  b.primitive.execute(dnnl_stream(), args);
}

void image_backward(const ImageProduct& product, const void* ddst, const float* weight,
                    float* dsrc) {
  auto& b = bound_image(product, Pass::kBackward, Activation::kNone, dsrc, ddst, weight);
  b.reorder.execute(dnnl_stream(), b.plain, b.weight);
  b.primitive.execute(
      dnnl_stream(),
      {{DNNL_ARG_DIFF_SRC, b.src}, {DNNL_ARG_WEIGHTS, b.weight}, {DNNL_ARG_DIFF_DST, b.dst}});
}

void image_weights(const ImageProduct& product, const void* src, const void* ddst, float* dweight,
                   bool add) {
  auto& b = bound_image(product, add ? Pass::kAddWeights : Pass::kWeights, Activation::kNone, src,
                        ddst, dweight);
  b.primitive.execute(
      dnnl_stream(),
      {{DNNL_ARG_SRC, b.src}, {DNNL_ARG_DIFF_WEIGHTS, b.weight}, {DNNL_ARG_DIFF_DST, b.dst}});
  b.reorder.execute(dnnl_stream(), b.weight, b.plain);
}

}  // namespace elbo

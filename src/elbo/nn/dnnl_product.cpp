#include <omp.h>

#include <algorithm>
#include <array>

#include "elbo/nn/dnnl_engine.h"
#include "elbo/nn/dnnl_version.h"
#include "elbo/nn/product.h"

namespace elbo {
namespace {

using dnnl::memory;

// Below this many multiply-adds waking the other threads costs more than they save.
constexpr int64_t kParallelProduct = 1 << 20;

struct ProductKey {
  Product product;
  int threads;
  bool operator==(const ProductKey&) const = default;
  std::array<int64_t, 4> numbers() const {
    const auto& p = product;
    return {p.m, p.n, p.k,
            p.transpose_a | p.transpose_b << 1 | p.add << 2 | p.bias << 3 | p.bf16 << 4 |
                p.bf16_result << 5 | static_cast<int>(p.activation) << 6 | threads << 10};
  }
};

// A primitive with its arguments: only their addresses change from call to call.
struct BoundProduct {
  dnnl::matmul primitive;
  memory a, b, bias, c;
  std::vector<dnnl_exec_arg_t> args;
};

BoundProduct make(const Product& p) {
  const auto f32 = memory::data_type::f32;
  const auto in = p.bf16 ? memory::data_type::bf16 : f32;
  const auto out = p.bf16_result ? memory::data_type::bf16 : f32;
  const memory::desc a({p.m, p.k}, in, p.transpose_a ? memory::dims{1, p.m} : memory::dims{p.k, 1});
  const memory::desc b({p.k, p.n}, in, p.transpose_b ? memory::dims{1, p.k} : memory::dims{p.n, 1});
  const memory::desc c({p.m, p.n}, out, memory::dims{p.n, 1});
  const memory::desc bias({1, p.n}, f32, memory::dims{p.n, 1});
  dnnl::post_ops ops;
  if (p.add) ops.append_sum(1);
  append_activation(ops, p.activation);
  dnnl::primitive_attr attr;
  attr.set_post_ops(ops);
  BoundProduct bound;
  bound.primitive =
      dnnl::matmul(p.bias ? described<dnnl::matmul>(dnnl_engine(), attr, a, b, bias, c)
                          : described<dnnl::matmul>(dnnl_engine(), attr, a, b, c));
  bound.a = unbound(a);
  bound.b = unbound(b);
  bound.c = unbound(c);
  bound.args = {{DNNL_ARG_SRC, bound.a.get()},
                {DNNL_ARG_WEIGHTS, bound.b.get()},
                {DNNL_ARG_DST, bound.c.get()}};
  if (p.bias) {
    bound.bias = unbound(bias);
    bound.args.push_back({DNNL_ARG_BIAS, bound.bias.get()});
  }
  return bound;
}

// The library fixes the number of threads when a primitive is made.
BoundProduct make_for(const Product& p, int threads) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(threads);
  auto bound = make(p);
  omp_set_num_threads(before);
  return bound;
}

}  // namespace

Work work_of(const Product& p) {
  const auto m = static_cast<double>(p.m), n = static_cast<double>(p.n),
             k = static_cast<double>(p.k);
  const double in = p.bf16 ? 2 : 4, out = p.bf16_result ? 2 : 4;
  return {2 * m * n * k, in * (m * k + k * n) + out * m * n, p.bf16};
}

bool is_parallel(const Product& p) { return p.m * p.n * p.k >= kParallelProduct; }

void multiply(const Product& p, const void* a, const void* b, const float* bias, void* c) {
  static thread_local PrimitiveCache<ProductKey, BoundProduct> cache;
  const int threads = is_parallel(p) ? omp_get_max_threads() : 1;
  auto& bound = cache.get({p, threads}, [&] { return make_for(p, threads); });
  bound.a.set_data_handle(address(a));
  bound.b.set_data_handle(address(b));
  bound.c.set_data_handle(c);
  if (p.bias) bound.bias.set_data_handle(address(bias));
  dnnl::error::wrap_c_api(
      dnnl_primitive_execute(bound.primitive.get(), dnnl_stream().get(),
                             static_cast<int>(bound.args.size()), bound.args.data()),
      "a matrix product failed");
}

}  // namespace elbo

#pragma once

#include <oneapi/dnnl/dnnl.hpp>

namespace elbo {

/// What differs between oneDNN 2 and 3. Of `plan` (its parts in the library's order, without the
/// engine) makes the description of a primitive P.
#if DNNL_VERSION_MAJOR >= 3
template <class P, class... Plan>
typename P::primitive_desc described(const dnnl::engine& engine, const dnnl::primitive_attr& attr,
                                     const Plan&... plan) {
  return {engine, plan..., attr};
}

/// The same of a backward pass, whose forward pass is `hint`.
template <class P, class Hint, class... Plan>
typename P::primitive_desc backward_described(const dnnl::engine& engine, const Hint& hint,
                                              const Plan&... plan) {
  return {engine, plan..., hint};
}

inline void append_eltwise(dnnl::post_ops& ops, dnnl::algorithm kind, float alpha, float beta) {
  ops.append_eltwise(kind, alpha, beta);
}
#else
template <class P, class... Plan>
typename P::primitive_desc described(const dnnl::engine& engine, const dnnl::primitive_attr& attr,
                                     const Plan&... plan) {
  return {typename P::desc(plan...), attr, engine};
}

template <class P, class Hint, class... Plan>
typename P::primitive_desc backward_described(const dnnl::engine& engine, const Hint& hint,
                                              const Plan&... plan) {
  return {typename P::desc(plan...), engine, hint};
}

inline void append_eltwise(dnnl::post_ops& ops, dnnl::algorithm kind, float alpha, float beta) {
  ops.append_eltwise(1, kind, alpha, beta);
}
#endif

}  // namespace elbo

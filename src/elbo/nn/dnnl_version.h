#pragma once

#include <oneapi/dnnl/dnnl.hpp>
#include <string_view>

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
  typename P::primitive_desc desc{engine, plan..., hint};
  // Version 3.7 puts these first, which take several times as long as the next for the source's
  // gradient of a convolution with strides and few channels.
  const auto slow = [&] {
    return std::string_view(desc.impl_info_str()).substr(0, 15) == "brgconv_strided";
  };
  while (slow() && desc.next_impl()) {
  }
  return desc;
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

#include "elbo/nn/dnnl_engine.h"

#include "elbo/kernels/choice.h"
#include "elbo/nn/bf16.h"
#include "elbo/nn/dnnl_version.h"
#include "elbo/nn/product.h"

namespace elbo {

dnnl::engine& dnnl_engine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& dnnl_stream() {
  static thread_local dnnl::stream stream(dnnl_engine());
  return stream;
}

bool has_bf16(std::string* why) {
  const auto isa = static_cast<unsigned>(dnnl_get_effective_cpu_isa());
  constexpr unsigned kNeeded = dnnl_cpu_isa_avx512_core_bf16;
  const bool there = (isa & kNeeded) == kNeeded;
  if (why && !there) *why = "oneDNN finds neither AVX512-BF16 nor AMX on this processor";
  return there;
}

bool fuses(Activation activation) { return activation != Activation::kGated; }

void append_activation(dnnl::post_ops& ops, Activation activation) {
  using dnnl::algorithm;
  switch (activation) {
    case Activation::kNone:
      return;
    case Activation::kRelu:
      return append_eltwise(ops, algorithm::eltwise_relu, 0, 0);
    case Activation::kLeakyRelu:
      return append_eltwise(ops, algorithm::eltwise_relu, 0.01F, 0);
    case Activation::kElu:
      return append_eltwise(ops, algorithm::eltwise_elu, 1, 0);
    case Activation::kTanh:
      return append_eltwise(ops, algorithm::eltwise_tanh, 0, 0);
    case Activation::kSigmoid:
      return append_eltwise(ops, algorithm::eltwise_logistic, 0, 0);
    case Activation::kSoftplus:  // log(1 + exp(alpha x)) / alpha; oneDNN 2 knows no alpha
      return append_eltwise(ops, algorithm::eltwise_soft_relu, 1, 0);
    case Activation::kGelu:
      return append_eltwise(ops, algorithm::eltwise_gelu_erf, 0, 0);
    case Activation::kSilu:
      return append_eltwise(ops, algorithm::eltwise_swish, 1, 0);
    case Activation::kGated:
      break;
  }
  throw std::logic_error("oneDNN cannot fuse this activation");
}

}  // namespace elbo

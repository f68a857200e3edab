#include <algorithm>

#include "elbo/core/light.h"
#include "elbo/core/profile.h"
#include "elbo/kernels/arithmetic.h"
#include "elbo/kernels/choice.h"
#include "elbo/kernels/node.h"

namespace elbo::kernels {
namespace {

struct Mean : Node {
  Shape shape;
  double share = 0;

  std::string name() const override { return "elbo::Mean"; }
  Gradients backward(const Gradients& grads) override {
    if (is_differentiated()) return {(grads[0] * share).expand(shape)};
    auto d_x = empty_floats(shape);
    const double each = share * *grads[0].data_ptr<float>();
    std::fill_n(d_x.data_ptr<float>(), d_x.numel(), static_cast<float>(each));
    return {d_x};
  }
};

}  // namespace

Tensor mean(const Tensor& x, double factor) {
  if (!fuses(x)) {
    const auto m = x.mean();
    return factor == 1 ? m : factor == -1 ? -m : factor * m;
  }
  const Timed timed("mean");
  const float* data = x.data_ptr<float>();
  const int64_t n = x.numel();
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += data[i];
  const auto node = node_of<Mean>(x);
  if (node) {
    node->shape = x.sizes().vec();
    node->share = factor / static_cast<double>(n);
  }
  auto mean = empty_floats({});
  *mean.data_ptr<float>() = static_cast<float>(sum * factor / static_cast<double>(n));
  return from_node(mean, node);
}

}  // namespace elbo::kernels

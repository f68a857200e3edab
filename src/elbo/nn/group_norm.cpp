#include "elbo/nn/group_norm.h"

#include "elbo/kernels/choice.h"
#include "elbo/kernels/group_norm.h"

namespace elbo {

GroupNorm::GroupNorm(int64_t channels, int64_t groups, double epsilon, bool silu)
    : groups_(groups), epsilon_(epsilon), silu_(silu) {
  check(groups > 0 && channels % groups == 0, "[group norm] channels: found ", channels,
        ", must be a multiple of the ", groups, " groups");
  weight_ = register_parameter("weight", torch::ones({channels}));
  bias_ = register_parameter("bias", torch::zeros({channels}));
}

Tensor GroupNorm::forward(const Tensor& x) const {
  const bool differentiated =
      torch::GradMode::is_enabled() && (x.requires_grad() || weight_.requires_grad());
  if (differentiated || plain_operations() || x.scalar_type() != torch::kFloat32) {
    const auto y = torch::group_norm(x, groups_, weight_, bias_, epsilon_, false);
    return silu_ ? torch::silu(y) : y;
  }
  const auto dense = x.contiguous(torch::MemoryFormat::ChannelsLast);
  const int64_t count = x.numel() / x.size(0) / groups_;
  return apply(dense, affine(kernels::group_sums(dense, groups_), count));
}

GroupNorm::Affine GroupNorm::affine(const Tensor& sums, int64_t count) const {
  const int64_t rows = sums.size(0), channels = weight_.size(0);
  const auto mean = sums.select(2, 0) / count;
  const auto variance = (sums.select(2, 1) / count - mean.square()).clamp_min(0);
  const auto over_channels = [&](const Tensor& t) {
    return t.unsqueeze(2).expand({rows, groups_, channels / groups_}).reshape({rows, channels});
  };
  const auto factor = over_channels((variance + epsilon_).rsqrt()) * weight_.detach();
  return {factor, bias_.detach() - over_channels(mean) * factor};
}

Tensor GroupNorm::apply(const Tensor& x, const Affine& affine) const {
  return kernels::scale_channels(x, affine.factor, affine.offset, silu_);
}

LayerReport GroupNorm::report(const std::string& name, const Shape& shape) const {
  return {name, shape, 2 * weight_.numel(), 4 * numel(shape)};
}

}  // namespace elbo

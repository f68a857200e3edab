#include "elbo/nn/group_norm.h"

#include "elbo/kernels/choice.h"
#include "elbo/kernels/group_norm.h"
#include "elbo/nn/gradients.h"

namespace elbo {
namespace {

constexpr auto kNormLayout = torch::MemoryFormat::ChannelsLast;

Tensor plain_group_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t groups,
                        double epsilon, bool silu) {
  const auto y = torch::group_norm(x, groups, weight, bias, epsilon, false);
  return silu ? torch::silu(y) : y;
}

struct GroupNormNode : WeightNode {
  int64_t groups = 1;
  double epsilon = 0;
  bool silu = false;

  std::string name() const override { return "elbo::GroupNorm"; }
  Gradients backward(const Gradients& grads) override {
    const auto x = input(0), weight = input(1), bias = input(2);
    if (is_differentiated()) {
      const auto y = plain_group_norm(x, weight, bias, groups, epsilon, silu);
      return differentiable_gradients(*this, {x, weight, bias}, y, grads[0]);
    }
    const auto g = kernels::group_norm_gradients(x, grads[0].contiguous(kNormLayout), weight,
                                                 {made(0), made(1), made(2), made(3)}, silu);
    Gradients result(3);
    if (wanted(0)) result[0] = g.dx;
    result[1] = given(1, weight, g.dweight);
    result[2] = given(2, bias, g.dbias);
    return result;
  }

 private:
  Tensor given(size_t input, const Tensor& parameter, const Tensor& gradient) {
    const auto to = sink(input, parameter);
    if (!to) return Tensor();
    to->direct ? to->into.add_(gradient) : to->into.copy_(gradient);
    return to->result();
  }
};

}  // namespace

GroupNorm::GroupNorm(int64_t channels, int64_t groups, double epsilon, bool silu)
    : groups_(groups), epsilon_(epsilon), silu_(silu) {
  check(groups > 0 && channels % groups == 0, "[group norm] channels: found ", channels,
        ", must be a multiple of the ", groups, " groups");
  weight_ = register_parameter("weight", torch::ones({channels}));
  bias_ = register_parameter("bias", torch::zeros({channels}));
}

Tensor GroupNorm::forward(const Tensor& x) const {
  if (plain_operations() || x.scalar_type() != torch::kFloat32) {
    return plain_group_norm(x, weight_, bias_, groups_, epsilon_, silu_);
  }
  const auto dense = x.contiguous(kNormLayout);
  const int64_t count = x.numel() / x.size(0) / groups_;
  if (!torch::GradMode::is_enabled() || !kernels::is_dense_picture(dense)) {
    return apply(dense, affine(kernels::group_sums(dense, groups_), count));
  }
  const auto node = node_of<GroupNormNode>(dense, weight_, bias_);
  if (!node) return apply(dense, affine(kernels::group_sums(dense, groups_), count));
  Tensor y;
  {
    torch::NoGradGuard no_gradient;
    const auto made = kernels::normalise_groups(dense, weight_, bias_, groups_, epsilon_, silu_);
    const auto& norm = made.norm;
    y = made.y;
    for (const auto& part : {norm.factor, norm.offset, norm.mean, norm.rdeviation})
      node->keep(part);
  }
  node->groups = groups_;
  node->epsilon = epsilon_;
  node->silu = silu_;
  node->keep_input(dense);
  node->keep_parameter(weight_);
  node->keep_parameter(bias_);
  return from_node(y, node);
}

GroupNorm::Affine GroupNorm::affine(const Tensor& sums, int64_t count) const {
  const int64_t rows = sums.size(0), channels = weight_.size(0);
  const auto mean = sums.select(2, 0) / count;
  const auto variance = (sums.select(2, 1) / count - mean.square()).clamp_min(0);
  const auto inverse = (variance + epsilon_).rsqrt();
  const auto over_channels = [&](const Tensor& t) {
    return t.unsqueeze(2).expand({rows, groups_, channels / groups_}).reshape({rows, channels});
  };
  const auto factor = over_channels(inverse) * weight_.detach();
  const auto offset = bias_.detach() - over_channels(mean) * factor;
  return {factor.to(torch::kFloat32).contiguous(), offset.to(torch::kFloat32).contiguous()};
}

Tensor GroupNorm::apply(const Tensor& x, const Affine& affine) const {
  return kernels::scale_channels(x, affine.factor, affine.offset, silu_);
}

LayerReport GroupNorm::report(const std::string& name, const Shape& shape) const {
  return {name, shape, 2 * weight_.numel(), 4 * numel(shape)};
}

}  // namespace elbo

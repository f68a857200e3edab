#include "elbo/nn/norm.h"

#include "elbo/group/group.h"

namespace elbo {
namespace {

constexpr double kEpsilon = 1e-5;
constexpr double kMomentum = 0.1;  // weight of the newest batch in the running statistics

int64_t groups_for(int64_t channels) {
  int64_t size = 8;
  while (channels % size != 0) --size;
  return channels / size;
}

}  // namespace

Norm::Norm(const std::string& kind, int64_t channels) {
  check(std::find(kNorms.begin(), kNorms.end(), kind) != kNorms.end(), "[norm] unknown \"", kind,
        "\"; known: ", join(kNorms));
  kind_ = kind == "none" ? Kind::kNone : kind == "batch" ? Kind::kBatch : Kind::kGroup;
  if (kind_ == Kind::kNone) return;
  groups_ = kind == "group" ? groups_for(channels) : 1;
  scale_ = register_parameter("scale", torch::ones({channels}));
  shift_ = register_parameter("shift", torch::zeros({channels}));
  if (kind_ != Kind::kBatch) return;
  mean_ = register_buffer("mean", torch::zeros({channels}));
  variance_ = register_buffer("variance", torch::ones({channels}));
}

Tensor Norm::batch(const Tensor& x) {
  // One value per channel has no variance: then the running statistics serve as in evaluation.
  const bool learn = is_training() && group_size() * x.numel() > x.size(1);
  if (learn && group()) return batch_of_group(x);
  return torch::batch_norm(x, scale_, shift_, mean_, variance_, learn, kMomentum, kEpsilon, false);
}

/// Mean and variance over the rows of all processes.
Tensor Norm::batch_of_group(const Tensor& x) {
  std::vector<int64_t> others{0};
  for (int64_t axis = 2; axis < x.dim(); ++axis) others.push_back(axis);
  auto per_channel = x.sizes().vec();
  std::fill(per_channel.begin(), per_channel.end(), 1);
  per_channel[1] = x.size(1);
  const auto count = static_cast<double>(group_size() * x.numel() / x.size(1));
  const auto mean = sum_over_group(x.sum(others)) / count;
  const auto centred = x - mean.view(per_channel);
  const auto variance = sum_over_group(centred.square().sum(others)) / count;
  {
    torch::NoGradGuard no_gradient;
    mean_.lerp_(mean, kMomentum);
    variance_.lerp_(variance * (count / (count - 1)), kMomentum);
  }
  const auto scale = scale_ * (variance + kEpsilon).rsqrt();
  return centred * scale.view(per_channel) + shift_.view(per_channel);
}

Tensor Norm::forward(const Tensor& x) {
  switch (kind_) {
    case Kind::kNone:
      return x;
    case Kind::kBatch:
      return batch(x);
    case Kind::kGroup:
      return torch::group_norm(x, groups_, scale_, shift_, kEpsilon, false);
  }
  return x;
}

LayerReport Norm::report(const std::string& name, const Shape& shape) const {
  return {name, shape, identity() ? 0 : 2 * scale_.numel(), identity() ? 0 : 4 * numel(shape)};
}

}  // namespace elbo

#include <torch/autograd.h>

#include <cmath>

#include "elbo/core/random.h"
#include "elbo/nn/convolution.h"
#include "elbo/nn/image_steps.h"
#include "elbo/objectives/feature_space.h"

namespace elbo {
namespace {

constexpr int64_t kFeatureWidths[] = {16, 32, 64, 64};
constexpr int64_t kFeatureSteps = 400, kFeatureBatch = 16, kFeatureRows = 20000;
constexpr double kMostNoise = 0.5, kFeatureRate = 2e-3;

/// From the last features back to the picture.
class Denoiser : public torch::nn::Module {
 public:
  explicit Denoiser(int64_t channels) {
    int64_t in = std::end(kFeatureWidths)[-1];
    for (const int64_t out : {64, 32, 16}) add(in, out, Activation::kSilu), in = out;
    add(in, channels, Activation::kNone);
  }
  Tensor forward(Tensor h, const Tensor& like) const {
    for (size_t i = 0; i < layers_.size(); ++i) {
      // The sizes that halving passed through, odd ones too.
      const auto left = static_cast<int64_t>(layers_.size() - 1 - i);
      const auto side = [&](int64_t full) { return ((full - 1) >> left) + 1; };
      const std::vector<int64_t> size{side(like.size(2)), side(like.size(3))};
      h = layers_[i]->forward(torch::upsample_nearest2d(h, size));
    }
    return h;
  }

 private:
  void add(int64_t in, int64_t out, Activation activation) {
    layers_.push_back(register_module(
        "layer" + std::to_string(layers_.size()),
        std::make_shared<Convolution>(keeping(in, out, 3, activation), true, "he")));
  }
  std::vector<std::shared_ptr<Convolution>> layers_;
};

/// Adam on a few tensors (Kingma & Ba 2015, arXiv:1412.6980): trainings proper come later.
class SmallAdam {
 public:
  explicit SmallAdam(std::vector<Tensor> parameters) : parameters_(std::move(parameters)) {
    for (const auto& p : parameters_) {
      first_.push_back(torch::zeros_like(p));
      second_.push_back(torch::zeros_like(p));
    }
  }
  void step(const Tensor& loss, double rate) {
    const auto gradients = torch::autograd::grad({loss}, parameters_);
    const torch::NoGradGuard no_gradient;
    ++time_;
    const double bias1 = 1 - std::pow(0.9, time_), bias2 = 1 - std::pow(0.999, time_);
    for (size_t i = 0; i < parameters_.size(); ++i) {
      first_[i].lerp_(gradients[i], 0.1);
      second_[i].mul_(0.999).addcmul_(gradients[i], gradients[i], 0.001);
      parameters_[i].addcdiv_(first_[i], (second_[i] / bias2).sqrt() + 1e-8, -rate / bias1);
    }
  }

 private:
  std::vector<Tensor> parameters_, first_, second_;
  double time_ = 0;
};

}  // namespace

FeaturePlan own_feature_plan(int64_t channels) {
  const auto count = static_cast<size_t>(channels);
  FeaturePlan plan{channels, std::vector<double>(count, 0.5), std::vector<double>(count, 0.5), {}};
  for (const int64_t width : kFeatureWidths) {
    FeatureStep step;
    step.name = "layer" + std::to_string(plan.steps.size());
    step.channels = width;
    step.kernel = 3;
    step.padding = {1, 1, 1, 1};
    step.stride = plan.steps.empty() ? 1 : 2;
    step.activation = "silu";
    step.compared = true;
    plan.steps.push_back(step);
  }
  return plan;
}

FeatureSpace learn_features(const Dataset& pictures, uint64_t seed) {
  const RandomScope scope(Draw{seed, 0}.key("own features"));
  const torch::AutoGradMode gradient(true);
  const auto& x = pictures.schemas().x;
  FeatureSpace own{std::make_shared<PictureFeatures>(own_feature_plan(x.shape.at(0))), ""};
  Denoiser denoiser(x.shape.at(0));
  auto parameters = own.network->parameters();
  for (const auto& p : denoiser.parameters()) parameters.push_back(p);
  SmallAdam adam(parameters);
  const int64_t n = std::min(kFeatureRows, pictures.size());
  const auto order = permutation(pictures.size(), Draw{seed, 0}.key("rows of own features"));
  for (int64_t step = 0; step < kFeatureSteps; ++step) {
    std::vector<int64_t> rows;
    for (int64_t i = 0; i < std::min(kFeatureBatch, n); ++i) {
      rows.push_back(order[static_cast<size_t>((step * kFeatureBatch + i) % n)]);
    }
    const auto clean = pictures.get(torch::tensor(rows), Draw{seed, 0}).x;
    const auto spread = kMostNoise * torch::rand({clean.size(0), 1, 1, 1});
    const auto noisy = clean + spread * torch::randn_like(clean);
    const auto made = denoiser.forward(own.network->layers(noisy).back(), clean);
    // Falls to zero along a cosine, so that the last steps average out the noise.
    const double done = static_cast<double>(step) / kFeatureSteps;
    adam.step((made - clean).square().mean(), kFeatureRate * (1 + std::cos(M_PI * done)) / 2);
  }
  own.network->freeze();
  own.name = "denoiser of these pictures, seed " + std::to_string(seed);
  return own;
}

}  // namespace elbo

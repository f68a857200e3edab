#include "elbo/eval/gradient_noise.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

/// While one lives, a model is in training mode; what training would move is put back.
class Trying {
 public:
  explicit Trying(Model& model) : model_(model), training_(model.is_training()) {
    for (const auto& b : model.buffers()) buffers_.emplace_back(b, b.detach().clone());
    for (const auto& p : model.parameters()) {
      gradients_.emplace_back(p, p.grad());
      needed_.push_back(p.requires_grad());
      p.requires_grad_(true);
    }
    model.train();
  }
  ~Trying() {
    torch::NoGradGuard no_gradient;
    for (auto& [buffer, before] : buffers_) buffer.copy_(before);
    for (size_t i = 0; i < gradients_.size(); ++i) {
      gradients_[i].first.mutable_grad() = gradients_[i].second;
      gradients_[i].first.requires_grad_(needed_[i]);
    }
    model_.train(training_);
  }
  Trying(const Trying&) = delete;
  Trying& operator=(const Trying&) = delete;

 private:
  Model& model_;
  const bool training_;
  std::vector<std::pair<Tensor, Tensor>> buffers_, gradients_;
  std::vector<bool> needed_;
};

/// Sums over repeats for one list of parameters.
class Moments {
 public:
  explicit Moments(std::vector<Tensor> parameters) : parameters_(std::move(parameters)) {
    for (const auto& p : parameters_) sums_.push_back(torch::zeros_like(p, torch::kFloat64));
  }
  void add() {
    for (size_t i = 0; i < parameters_.size(); ++i) {
      if (!parameters_[i].grad().defined()) continue;
      const auto g = parameters_[i].grad().to(torch::kFloat64);
      sums_[i] += g;
      squares_ += g.square().sum().item<double>();
    }
  }
  GradientNoise noise(int64_t repeats) const {
    const auto n = static_cast<double>(repeats);
    double of_mean = 0;
    for (const auto& sum : sums_) of_mean += (sum / n).square().sum().item<double>();
    const double variance = std::max(0.0, (squares_ / n - of_mean) * n / (n - 1));
    // The mean of some draws is longer than the truth by its own variance.
    return {variance, std::max(0.0, of_mean - variance / n)};
  }

 private:
  const std::vector<Tensor> parameters_;
  std::vector<Tensor> sums_;
  double squares_ = 0;
};

}  // namespace

PlayedNoise gradient_noise(Model& model, Objective& objective, const Batch& batch,
                           int64_t repeats) {
  const Trying trying(model);
  const torch::AutoGradMode with_gradients(true);
  const auto generative = generative_parameters(model);
  Moments of_generative(generative), of_inference(other_parameters(model, generative));
  for (int64_t i = 0; i < repeats; ++i) {
    for (const auto& p : model.parameters()) p.mutable_grad() = Tensor();
    objective.loss({model, batch, kEndOfTraining}).loss.backward();
    of_inference.add();
    of_generative.add();
  }
  return {of_inference.noise(repeats), of_generative.noise(repeats)};
}

}  // namespace elbo

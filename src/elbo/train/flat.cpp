#include "elbo/train/flat.h"

#include "elbo/core/error.h"

namespace elbo {

FlatParameters::FlatParameters(const std::vector<std::pair<std::string, Tensor>>& named) {
  torch::NoGradGuard no_gradient;
  int64_t total = 0;
  torch::Device device = torch::kCPU;
  for (const auto& [name, p] : named) {
    check(p.scalar_type() == torch::kFloat32, "[train] parameter ", name, " is ", p.scalar_type(),
          ", expected float32");
    spans_.push_back({name, total, p.numel(), spans_.size()});
    parameters_.push_back(p);
    total += (p.numel() + kAlign - 1) / kAlign * kAlign;
    device = p.device();
  }
  values = torch::zeros({total}, torch::TensorOptions(device));
  gradients = torch::zeros_like(values);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    auto& p = parameters_[i];
    auto view = values.narrow(0, spans_[i].offset, spans_[i].size).view(p.sizes());
    view.copy_(p);
    p.set_data(view);
  }
  attach();
}

void FlatParameters::attach() {
  for (size_t i = 0; i < parameters_.size(); ++i) attach(i);
}

void FlatParameters::attach(size_t parameter) {
  const auto& span = spans_[parameter];
  auto& p = parameters_[parameter];
  auto& grad = p.mutable_grad();
  if (grad.defined() && grad.data_ptr() == gradients.data_ptr<float>() + span.offset) return;
  const auto view = gradients.narrow(0, span.offset, span.size);
  // A gradient that autograd put beside the buffer is taken over.
  if (grad.defined()) view.add_(grad.detach().reshape(-1));
  grad = view.view(p.sizes());
}

std::vector<Span> FlatParameters::spans_of(const std::vector<Tensor>& parameters) const {
  std::vector<Span> found;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    for (const auto& p : parameters) {
      if (p.is_same(parameters_[i])) {
        found.push_back(spans_[i]);
        break;
      }
    }
  }
  return found;
}

}  // namespace elbo

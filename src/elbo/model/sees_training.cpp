#include "elbo/model/sees_training.h"

#include <algorithm>

namespace elbo {

void show_training(const torch::nn::Module& whole, const Dataset& training) {
  for (const auto& module : whole.modules()) {
    if (auto* part = dynamic_cast<SeesTraining*>(module.get())) part->see(training);
  }
}

Batch some_of(const Dataset& training, int64_t most) {
  auto order = permutation(training.size(), Draw{}.key("rows that a part sees"));
  order.resize(static_cast<size_t>(std::min(most, training.size())));
  std::sort(order.begin(), order.end());
  constexpr size_t kBlock = 4096;
  std::vector<Tensor> x, masks;
  for (size_t from = 0; from < order.size(); from += kBlock) {
    const auto to = std::min(order.size(), from + kBlock);
    const auto batch = training.get(torch::tensor(std::vector<int64_t>(
        order.begin() + static_cast<int64_t>(from), order.begin() + static_cast<int64_t>(to))));
    x.push_back(batch.x.clone());
    masks.push_back(batch.mask.defined() ? batch.mask.to(torch::kBool)
                                         : torch::ones_like(batch.x, torch::kBool));
  }
  Batch all;
  all.x = torch::cat(x);
  all.mask = torch::cat(masks);
  return all;
}

}  // namespace elbo

#include "elbo/nn/column_net.h"

#include <algorithm>
#include <string>

namespace elbo {
namespace {

// What the last layers' weights are multiplied by at the start: columns begin independent.
constexpr double kNearlyApart = 0.1;
// Between minus and plus which the components stand at the start.
constexpr double kReach = 4;

/// [units] how many columns, from the first, each unit sees: 1 … most in turn, or, where there are
/// fewer units, spread from all downwards.
Tensor columns_seen(int64_t units, int64_t most) {
  const auto unit = torch::arange(units);
  if (units >= most) return unit.remainder(std::max<int64_t>(most, 1)) + 1;
  return most - (unit * most).div(units, "floor");
}

std::shared_ptr<Dense> describing(int64_t hidden, int64_t out) {
  auto layer = std::make_shared<Dense>(hidden, out);
  torch::NoGradGuard no_gradient;
  layer->weight.mul_(kNearlyApart);
  layer->bias.zero_();
  return layer;
}

}  // namespace

std::vector<int64_t> ColumnPlan::offsets() const {
  std::vector<int64_t> list{0};
  for (const auto count : symbols) list.push_back(list.back() + count);
  return list;
}

ColumnNet::ColumnNet(ColumnPlan plan) : plan_(std::move(plan)), offsets_(plan_.offsets()) {
  const int64_t columns = plan_.columns(), hidden = plan_.hidden;
  // A column is described by units that see columns before it alone.
  const auto degree = columns_seen(hidden, columns - 1);
  const auto column = torch::arange(columns).unsqueeze(1);
  seen_ = (column < degree).to(torch::kFloat32);
  shown_ = (column >= degree).to(torch::kFloat32);
  masks_ = (degree.unsqueeze(1) >= degree).to(torch::kFloat32);
  const double spread = 1 / std::sqrt(static_cast<double>(columns));
  embedding_ = register_parameter("embedding", spread * torch::randn({offsets_.back(), hidden}));
  const bool scores = std::count(plan_.scored.begin(), plan_.scored.end(), true) > 0;
  if (scores) slope_ = register_parameter("slope", spread * torch::randn({columns, hidden}));
  bias_ = register_parameter("bias", torch::zeros({hidden}));
  for (int64_t i = 0; i < 2 * plan_.blocks; ++i) {
    layers_.push_back(
        register_module("layer" + std::to_string(i), std::make_shared<Dense>(hidden, hidden)));
  }
  to_symbols_ = register_module("to_symbols", describing(hidden, offsets_.back()));
  int64_t mixtures = 0;
  for (const bool scored : plan_.scored) mixture_at_.push_back(scored ? mixtures++ : -1);
  if (mixtures == 0) return;
  to_mixtures_ =
      register_module("to_mixtures", describing(hidden, mixtures * 3 * plan_.components));
  torch::NoGradGuard no_gradient;
  to_mixtures_->bias.view({mixtures, 3, -1}).select(1, 1) =
      torch::linspace(-kReach, kReach, plan_.components);
}

Tensor ColumnNet::features(const Tensor& symbols, const Tensor& scores) {
  const auto options = embedding_.options().requires_grad(false);
  const auto seen = seen_.to(options), mask = masks_.to(options);
  const auto shift = torch::tensor(offsets_, symbols.options()).narrow(0, 0, plan_.columns());
  const auto count = torch::tensor(plan_.symbols, torch::kInt64);
  const auto table = embedding_ * seen.repeat_interleave(count.to(seen.device()), 0);
  const auto bags = torch::arange(symbols.size(0), symbols.options()) * plan_.columns();
  auto h = std::get<0>(torch::embedding_bag(table, (symbols + shift).flatten(), bags));
  h = h + (slope_.defined() ? dense(scores, (slope_ * seen).t(), bias_) : bias_);
  for (size_t i = 0; i < layers_.size(); i += 2) {
    const auto& first = *layers_[i];
    const auto& second = *layers_[i + 1];
    auto inside = dense(activate(h, Activation::kSilu), first.weight * mask, first.bias);
    inside = torch::dropout(activate(inside, Activation::kSilu), plan_.dropout, is_training());
    h = h + dense(inside, second.weight * mask, second.bias);
  }
  return activate(h, Activation::kSilu);
}

Tensor ColumnNet::out(const Dense& layer, const Tensor& features, int64_t column, int64_t from,
                      int64_t count) const {
  const auto seen = shown_[column].to(layer.weight.options().requires_grad(false));
  return dense(features, layer.weight.narrow(0, from, count) * seen,
               layer.bias.narrow(0, from, count));
}

Tensor ColumnNet::logits(const Tensor& features, int64_t column) const {
  const auto j = static_cast<size_t>(column);
  return out(*to_symbols_, features, column, offsets_[j], plan_.symbols[j]);
}

Tensor ColumnNet::mixture(const Tensor& features, int64_t column) const {
  const int64_t each = 3 * plan_.components;
  const int64_t at = mixture_at_[static_cast<size_t>(column)];
  return out(*to_mixtures_, features, column, at * each, each).view({-1, 3, plan_.components});
}

std::vector<LayerReport> ColumnNet::report() const {
  std::vector<LayerReport> list{
      {"embedding",
       {plan_.hidden},
       embedding_.numel() + (slope_.defined() ? slope_.numel() : 0) + bias_.numel(),
       2 * plan_.columns() * plan_.hidden}};
  for (size_t i = 0; i < layers_.size(); ++i) {
    list.push_back(layers_[i]->report("layer" + std::to_string(i)));
  }
  list.push_back(to_symbols_->report("to_symbols"));
  if (to_mixtures_) list.push_back(to_mixtures_->report("to_mixtures"));
  return list;
}

}  // namespace elbo

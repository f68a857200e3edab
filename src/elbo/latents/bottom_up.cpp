#include "elbo/latents/bottom_up.h"

namespace elbo {

BottomUp::BottomUp(const CellPlan& plan, std::shared_ptr<Network> stem,
                   const std::vector<Place>& places, int64_t depth, const Shape& top)
    : stem_(register_module("stem", std::move(stem))) {
  for (size_t i = 0; i < places.size(); ++i) {
    if (i > 0 && places[i] == places[i - 1]) {
      ++stages_.back().levels;
      continue;
    }
    Stage stage;
    const auto name = "stage" + std::to_string(stages_.size());
    if (i > 0) {
      stage.move = register_module(
          name + "_move", std::make_shared<Move>(places[i - 1], places[i], plan.activation));
    }
    for (int64_t k = 0; k < depth; ++k) {
      stage.cells.push_back(register_module(
          name + "_cell" + std::to_string(k),
          std::make_shared<Cell>(plan, places[i].width, places[i].width, places[i])));
    }
    stage.levels = 1;
    stages_.push_back(stage);
  }
  top_ = register_module(
      "top", std::make_shared<ChannelMap>(places.back().width, places.back().with(top[0])));
}

std::vector<Tensor> BottomUp::features(const Tensor& x, const Tensor& c) {
  std::vector<Tensor> all;
  auto u = stem_->forward(x, c);
  for (const auto& stage : stages_) {
    if (stage.move) u = stage.move->forward(u);
    for (const auto& cell : stage.cells) u = u + cell->forward(u);
    all.insert(all.end(), stage.levels, u);
  }
  return all;
}

Tensor BottomUp::top(const Tensor& last) { return top_->forward(last); }

std::vector<LayerReport> BottomUp::report() const {
  auto lines = stem_->report();
  for (size_t i = 0; i < stages_.size(); ++i) {
    const auto name = "up" + std::to_string(i);
    if (stages_[i].move) stages_[i].move->report(name + ".move", lines);
    for (const auto& cell : stages_[i].cells) cell->report(name, lines);
  }
  top_->report("up.top", lines);
  return lines;
}

}  // namespace elbo

#pragma once

#include "elbo/latents/cells.h"
#include "elbo/model/spec.h"

namespace elbo {

/// The deterministic way up of a ladder. As a network it gives the features of the topmost
/// posterior, so that a prior may borrow it as the encoder.
class BottomUp : public Network {
 public:
  /// places: of the levels, from the data to the top; neighbours alike share their features.
  BottomUp(const CellPlan& plan, std::shared_ptr<Network> stem, const std::vector<Place>& places,
           int64_t depth, const Shape& top);
  /// One tensor per level, from the data to the top.
  std::vector<Tensor> features(const Tensor& x, const Tensor& c);
  /// What the topmost posterior reads, from the last of the features.
  Tensor top(const Tensor& last);

  Tensor forward(const Tensor& x, const Tensor& c) override { return top(features(x, c).back()); }
  std::vector<LayerReport> report() const override;

 private:
  struct Stage {
    std::shared_ptr<Move> move;  // null where the stem ends here
    std::vector<std::shared_ptr<Cell>> cells;
    int64_t levels = 0;
  };
  std::shared_ptr<Network> stem_;
  std::vector<Stage> stages_;
  std::shared_ptr<ChannelMap> top_;
};

}  // namespace elbo

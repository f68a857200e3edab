#include "elbo/data/hidden_cells.h"

#include "elbo/data/rows.h"

namespace elbo {
namespace {

class HiddenCells : public DataAround {
 public:
  HiddenCells(Data data, double share) : DataAround(std::move(data)), share_(share) {}

  Schemas schemas() const override {
    auto schemas = DataAround::schemas();
    schemas.x.detail["missing"] = true;
    return schemas;
  }
  Batch get(const Tensor& rows, const Draw& draw) const override {
    auto batch = DataAround::get(rows, draw);
    batch.mask = batch.mask.defined() ? batch.mask.clone() : torch::ones_like(batch.x);
    if (share_ > 0 && draw.epoch > 0) hide(batch.mask, rows, draw.key("hidden cells"));
    return batch;
  }

 private:
  void hide(const Tensor& mask, const Tensor& rows, uint64_t key) const {
    const auto plain = rows.to(torch::kCPU).contiguous();
    const auto* row = plain.data_ptr<int64_t>();
    const int64_t width = mask.numel() / std::max<int64_t>(1, mask.size(0));
    auto* cell = mask.data_ptr<float>();
    for (int64_t i = 0; i < mask.size(0); ++i, cell += width) {
      // Places of a row's own: its share first, then its cells.
      const auto at = static_cast<uint64_t>(row[i]) * static_cast<uint64_t>(width + 2);
      if (uniform_at(key, at) >= 2 * share_) continue;
      const double hidden = uniform_at(key, at + 1);
      for (int64_t k = 0; k < width; ++k) {
        if (uniform_at(key, at + 2 + static_cast<uint64_t>(k)) < hidden) cell[k] = 0;
      }
    }
  }

  double share_;
};

}  // namespace

Data with_hidden_cells(Data data, double share) {
  return std::make_shared<HiddenCells>(std::move(data), share);
}

}  // namespace elbo

#include "elbo/data/windows.h"

#include <algorithm>

#include "elbo/data/rows.h"

namespace elbo {
namespace {

class Windows : public Dataset, public OrderedRows {
 public:
  Windows(Steps steps, int64_t window, int64_t stride, Schemas schemas)
      : steps_(std::move(steps)), window_(window), stride_(stride), schemas_(std::move(schemas)) {
    const int64_t n = steps_.values.size(0);
    auto begins = steps_.begins;
    begins.push_back(n);
    for (size_t piece = 0; piece + 1 < begins.size(); ++piece) {
      for (int64_t at = begins[piece]; at + window_ <= begins[piece + 1]; at += stride_) {
        starts_.push_back(at);
      }
    }
    check(!starts_.empty(), "[series] window: no ", window_, " steps without a gap among ", n);
    const bool holes = steps_.values.isnan().any().item<bool>();
    missing_ = schemas_.x.missing();
    check(missing_ || !holes,
          "[series] cells are missing, the model was trained on a series without such");
  }

  int64_t size() const override { return static_cast<int64_t>(starts_.size()); }
  Schemas schemas() const override { return schemas_; }
  int64_t overlap() const override { return (window_ - 1) / stride_; }
  std::string row_name(int64_t row) const override {
    return steps_.names.at(static_cast<size_t>(last_step(row)));
  }

  Batch get(const Tensor& rows, const Draw&) const override {
    const auto checked = checked_rows(rows, size());
    std::vector<int64_t> at, last;
    for (int64_t i = 0; i < checked.size(0); ++i) {
      const auto row = checked.data_ptr<int64_t>()[i];
      for (int64_t k = 0; k < window_; ++k) at.push_back(starts_[static_cast<size_t>(row)] + k);
      last.push_back(last_step(row));
    }
    Batch batch;
    batch.x = steps_.values.index_select(0, torch::tensor(at, torch::kInt64))
                  .reshape(with_rows(checked.size(0), schemas_.x.shape));
    if (missing_) {
      batch.mask = batch.x.isnan().logical_not().to(torch::kFloat32);
      batch.x = batch.x.nan_to_num(0);
    }
    if (steps_.labels.defined()) {
      batch.y = steps_.labels.index_select(0, torch::tensor(last, torch::kInt64));
    }
    return batch;
  }

 private:
  int64_t last_step(int64_t row) const { return starts_[static_cast<size_t>(row)] + window_ - 1; }

  const Steps steps_;
  const int64_t window_, stride_;
  const Schemas schemas_;
  std::vector<int64_t> starts_;
  bool missing_ = false;
};

}  // namespace

Data windows(Steps steps, int64_t window, int64_t stride, Schemas schemas) {
  return std::make_shared<Windows>(std::move(steps), window, stride, std::move(schemas));
}

}  // namespace elbo

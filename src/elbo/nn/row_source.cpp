#include "elbo/nn/row_source.h"

#include <algorithm>
#include <functional>

#include "elbo/core/pages.h"
#include "elbo/nn/picture_memory.h"

namespace elbo {
namespace {

/// Rows that are kept above a request: beside a chain of convolutions a shortcut asks for rows that
/// the chain has passed.
constexpr int64_t kBehind = 4;

constexpr auto kInnermost = torch::MemoryFormat::ChannelsLast;

Tensor empty_rows_of(const Shape& shape, int64_t rows) {
  return torch::empty({1, shape[0], rows, shape[2]},
                      torch::TensorOptions(torch::kFloat32).memory_format(kInnermost));
}

/// Among the short-lived tensors of other bands a band that stays would hold their memory.
Tensor copied_to_own_pages(const Tensor& band) {
  auto copy = empty_in_own_pages({1, band.size(2), band.size(3), band.size(1)});
  copy = copy.permute({0, 3, 1, 2});
  copy.copy_(band);
  return copy;
}

/// Bands of a picture, which may go one after the other.
class StoredRows : public RowSource {
 public:
  explicit StoredRows(const Shape& shape) : RowSource(shape) {}
  void add(Tensor band) {
    first_.push_back(last_);
    last_ += band.size(2);
    bands_.push_back(std::move(band));
  }
  Tensor rows(int64_t from, int64_t to) override {
    const auto after = std::upper_bound(first_.begin(), first_.end(), from);
    const auto at = static_cast<size_t>(after - first_.begin()) - 1;
    if (leaving_) {
      for (size_t i = 0; i < at && first_[i + 1] <= from - kBehind; ++i) bands_[i].reset();
    }
    const int64_t begin = first_[at];
    if (to <= begin + bands_[at].size(2)) return bands_[at].narrow(2, from - begin, to - from);
    auto result = empty_rows_of(shape(), to - from);
    for (size_t i = at; i < bands_.size() && first_[i] < to; ++i) {
      const int64_t low = std::max(from, first_[i]);
      const int64_t high = std::min(to, first_[i] + bands_[i].size(2));
      result.narrow(2, low - from, high - low)
          .copy_(bands_[i].narrow(2, low - first_[i], high - low));
    }
    return result;
  }
  void settle() override {}
  void restart() override {}
  void release() override { leaving_ = true; }
  bool stored() const override { return true; }

 private:
  std::vector<Tensor> bands_;
  std::vector<int64_t> first_;
  int64_t last_ = 0;
  bool leaving_ = false;
};

}  // namespace

int64_t bytes_of(const Shape& shape) { return numel(shape) * static_cast<int64_t>(sizeof(float)); }

RowSource::RowSource(Shape shape)
    : row_bytes_(static_cast<double>(bytes_of(shape)) / static_cast<double>(shape[1])),
      shape_(std::move(shape)) {}

DerivedRows::DerivedRows(Shape shape, std::vector<Rows> from)
    : RowSource(std::move(shape)), from_(std::move(from)) {
  for (const auto& source : from_) {
    const double rows =
        static_cast<double>(source->shape()[1]) / static_cast<double>(this->shape()[1]);
    row_bytes_ = std::max(row_bytes_, rows * source->row_bytes());
  }
}

void for_each_band(RowSource& source, const std::function<void(const Tensor&, int64_t)>& f) {
  constexpr int64_t kFewest = 4, kMost = 64;  // halos of one row each way cost little
  const auto fit = static_cast<int64_t>(static_cast<double>(band_bytes()) / source.row_bytes());
  const int64_t height = source.shape()[1], step = std::clamp(fit, kFewest, kMost);
  for (int64_t from = 0; from < height; from += step) {
    f(source.rows(from, std::min(from + step, height)), from);
  }
}

Tensor DerivedRows::rows(int64_t from, int64_t to) {
  if (cheap()) return compute(from, to);
  if (kept_.defined() && from >= first_ && to <= last_) {
    return kept_.narrow(2, from - first_, to - from);
  }
  const bool goes_on = kept_.defined() && from >= first_ && from <= last_;
  const int64_t begin = goes_on ? std::max(first_, from - kBehind) : from;
  auto next = compute(goes_on ? last_ : from, to);
  if (goes_on && begin < last_) {
    auto all = empty_rows_of(shape(), to - begin);
    all.narrow(2, 0, last_ - begin).copy_(kept_.narrow(2, begin - first_, last_ - begin));
    all.narrow(2, last_ - begin, to - last_).copy_(next);
    next = all;
  }
  kept_ = next;
  first_ = begin;
  last_ = to;
  return next.narrow(2, from - begin, to - from);
}

void DerivedRows::settle() {
  for (const auto& source : from_) source->settle();
}

void DerivedRows::restart() {
  kept_.reset();
  first_ = last_ = 0;
  for (const auto& source : from_) source->restart();
}

void DerivedRows::release() {
  for (const auto& source : from_) source->release();
}

Rows whole_rows(const Tensor& picture) {
  auto rows =
      std::make_shared<StoredRows>(Shape(picture.sizes().begin() + 1, picture.sizes().end()));
  rows->add(picture.contiguous(kInnermost));
  return rows;
}

Rows stored_rows(const Rows& source) {
  if (source->stored()) return source;
  source->settle();
  source->restart();
  source->release();
  auto stored = std::make_shared<StoredRows>(source->shape());
  for_each_band(*source,
                [&](const Tensor& band, int64_t) { stored->add(copied_to_own_pages(band)); });
  return stored;
}

Tensor picture_of(const Rows& source) {
  source->settle();
  source->restart();
  source->release();
  auto picture = empty_rows_of(source->shape(), source->shape()[1]);
  for_each_band(*source, [&](const Tensor& band, int64_t from) {
    picture.narrow(2, from, band.size(2)).copy_(band);
  });
  return picture;
}

int64_t band_bytes() {
  constexpr int64_t kLeast = 1 << 20, kMost = 1 << 24;
  return std::clamp(PictureMemory::bytes() / 256, kLeast, kMost);
}

}  // namespace elbo

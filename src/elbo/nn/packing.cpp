#include "elbo/nn/packing.h"

#include <algorithm>

#include "elbo/core/error.h"

namespace elbo {
namespace {

constexpr int64_t kRowsTogether = 8;

int64_t rounded_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

/// About a sixteenth of n.
int64_t unit_of_size(int64_t n) {
  int64_t unit = kRowsTogether;
  while (32 * unit < n) unit *= 2;
  return unit;
}

int64_t* whole(const Tensor& t) { return t.data_ptr<int64_t>(); }

}  // namespace

Packing::Packing(const Tensor& lengths, int64_t steps) : steps_(steps) {
  lengths_ = lengths.to(torch::kCPU, torch::kInt64).contiguous();
  const int64_t batch = lengths_.size(0);
  check(batch > 0 && lengths_.min().item<int64_t>() >= 1 && lengths_.max().item<int64_t>() <= steps,
        "[packing] lengths: a row has no step, or more than ", steps);
  order_ = lengths_.argsort(0, true);
  const auto sorted_lengths = lengths_.index_select(0, order_);
  const auto* length = whole(sorted_lengths);
  for (int64_t t = 0, going = batch; t < length[0]; ++t) {
    while (length[going - 1] <= t) --going;
    rows_.push_back(std::min(batch, rounded_up(going, kRowsTogether)));
    entries_ += rows_.back();
  }
  const int64_t size = rounded_up(entries_, unit_of_size(entries_));
  places_ = torch::zeros({size}, torch::kInt64);
  backwards_ = torch::zeros({size}, torch::kInt64);
  row_ = torch::zeros({size}, torch::kInt64);
  weight_ = torch::zeros({size});
  last_ = torch::zeros({batch}, torch::kInt64);
  const auto* order = whole(order_);
  for (int64_t t = 0, at = 0; t < static_cast<int64_t>(rows_.size()); ++t) {
    for (int64_t i = 0; i < rows_[static_cast<size_t>(t)]; ++i, ++at) {
      whole(places_)[at] = order[i] * steps + t;
      whole(backwards_)[at] = order[i] * steps + std::max<int64_t>(0, length[i] - 1 - t);
      whole(row_)[at] = order[i];
      if (t < length[i]) weight_.data_ptr<float>()[at] = 1.0F / static_cast<float>(length[i]);
      if (t == length[i] - 1) whole(last_)[order[i]] = at;
    }
  }
}

Tensor Packing::packed(const Tensor& x) const {
  return x.flatten(0, 1).index_select(0, on(places_, x));
}

Tensor Packing::packed_backwards(const Tensor& x) const {
  return x.flatten(0, 1).index_select(0, on(backwards_, x));
}

Tensor Packing::padded(const Tensor& y) const {
  auto shape = y.sizes().vec();
  shape[0] = batch() * steps_;
  const auto flat =
      torch::zeros(shape, y.options())
          .index_copy(0, on(places_.narrow(0, 0, entries_), y), y.narrow(0, 0, entries_));
  return flat.unflatten(0, {batch(), steps_});
}

Tensor Packing::mean(const Tensor& y) const {
  auto shape = y.sizes().vec();
  shape[0] = batch();
  const auto weighted = y * weight_.to(y.options()).unsqueeze(1);
  return torch::zeros(shape, y.options()).index_add(0, on(row_, y), weighted);
}

}  // namespace elbo

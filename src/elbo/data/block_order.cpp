#include "elbo/data/block_order.h"

#include <algorithm>
#include <cmath>

#include "elbo/core/shuffle.h"
#include "elbo/data/rows.h"

namespace elbo {

const StreamedRows* streamed(const Dataset& data) {
  const auto* rows = dynamic_cast<const StreamedRows*>(&data);
  return rows && !rows->blocks().empty() ? rows : nullptr;
}

std::vector<int64_t> block_order(const std::vector<int64_t>& starts, int64_t n, uint64_t key,
                                 int64_t window) {
  const auto count = static_cast<int64_t>(starts.size());
  std::vector<int64_t> order;
  order.reserve(static_cast<size_t>(n));
  size_t shuffled = 0;  // rows of the windows before
  const auto shuffle_window = [&] {
    const auto rows = static_cast<int64_t>(order.size() - shuffled);
    const auto places = permutation(rows, key + 1 + shuffled);
    std::vector<int64_t> mixed;
    mixed.reserve(static_cast<size_t>(rows));
    for (int64_t p : places) mixed.push_back(order[shuffled + static_cast<size_t>(p)]);
    std::copy(mixed.begin(), mixed.end(), order.begin() + static_cast<int64_t>(shuffled));
    shuffled = order.size();
  };
  for (const int64_t block : permutation(count, key)) {
    const int64_t end = block + 1 < count ? starts[static_cast<size_t>(block) + 1] : n;
    for (int64_t row = starts[static_cast<size_t>(block)]; row < end; ++row) order.push_back(row);
    if (static_cast<int64_t>(order.size() - shuffled) >= window) shuffle_window();
  }
  shuffle_window();
  return order;
}

std::vector<int64_t> epoch_order(const Dataset& data, uint64_t key, int64_t window) {
  const auto* rows = streamed(data);
  if (rows) return block_order(rows->blocks(), data.size(), key, window);
  auto order = permutation(data.size(), key);
  if (const auto weights = data.weights(); weights.defined()) {
    const auto counted = rows_by_weight(weights, key);
    for (auto& row : order) row = counted[static_cast<size_t>(row)];
  }
  return order;
}

std::vector<int64_t> rows_by_weight(const Tensor& weights, uint64_t key) {
  const auto plain = weights.to(torch::kFloat64).contiguous();
  const auto* w = plain.data_ptr<double>();
  const int64_t n = plain.numel();
  const double step = plain.sum().item<double>() / static_cast<double>(n);
  check(step > 0 && std::isfinite(step), "[data] weights: their sum is ", step,
        ", it must be positive");
  std::vector<int64_t> rows;
  rows.reserve(static_cast<size_t>(n));
  double next = uniform_at(key, 0) * step, sum = 0;
  for (int64_t row = 0; row < n; ++row) {
    sum += w[row];
    for (; static_cast<int64_t>(rows.size()) < n && next < sum; next += step) rows.push_back(row);
  }
  // Rounding may leave the last draw beyond the sum.
  int64_t last = n - 1;
  while (last > 0 && w[last] == 0) --last;
  rows.resize(static_cast<size_t>(n), last);
  return rows;
}

Tensor epoch_rows(const Dataset& data, uint64_t key) {
  const bool compact =
      !streamed(data) && !data.weights().defined() && wants_short_rows(data.size());
  return compact ? rows_tensor(shuffled<int32_t>(data.size(), key))
                 : rows_tensor(epoch_order(data, key));
}

}  // namespace elbo

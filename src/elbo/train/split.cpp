#include "elbo/train/split.h"

#include <algorithm>
#include <numeric>

#include "elbo/core/shuffle.h"
#include "elbo/data/rows.h"
#include "elbo/data/windows.h"

namespace elbo {
namespace {

/// The last rows validate; rows that share steps with them belong to neither part.
std::pair<Data, Data> split_in_time(const Data& data, int64_t held, int64_t overlap) {
  std::vector<int64_t> order(static_cast<size_t>(data->size()));
  std::iota(order.begin(), order.end(), int64_t{0});
  const int64_t kept = data->size() - held - overlap;
  check(kept > 0, "[train] validation: ", held, " rows in the order of time and the ", overlap,
        " that overlap them leave none of ", data->size(), " to train on");
  return {subset(data, {order.begin(), order.begin() + kept}),
          subset(data, {order.end() - held, order.end()})};
}

/// Both parts ascending: the last `held` of a shuffle validate.
template <class Row>
std::pair<Data, Data> split_shuffled(const Data& data, std::vector<Row> order, int64_t held) {
  std::sort(order.begin(), order.end() - held);
  std::sort(order.end() - held, order.end());
  const auto validation = rows_tensor(std::vector<Row>(order.end() - held, order.end()));
  order.resize(order.size() - static_cast<size_t>(held));
  order.shrink_to_fit();
  return {subset_of(data, rows_tensor(std::move(order))), subset_of(data, validation)};
}

}  // namespace

int64_t held_out_rows(int64_t rows, double validation) {
  const auto held = static_cast<int64_t>(validation < 1 ? validation * static_cast<double>(rows)
                                                        : std::min<double>(validation, 1e15));
  check(held < rows, "[train] validation: ", held, " rows held out of ", rows,
        " leave none to train on; use a smaller --validation");
  return held;
}

int64_t steps_per_epoch(int64_t training_rows, int64_t batch) {
  return training_rows / std::min(batch, training_rows);
}

std::pair<Data, Data> split_validation(const Data& data, double validation, int64_t seed) {
  const int64_t n = data->size(), held = held_out_rows(n, validation);
  if (held == 0) return {data, nullptr};
  if (const auto* ordered = dynamic_cast<const OrderedRows*>(data.get())) {
    return split_in_time(data, held, ordered->overlap());
  }
  const auto key = Draw{static_cast<uint64_t>(seed), 0}.key("validation rows");
  return wants_short_rows(n) && !streamed(*data)
             ? split_shuffled(data, shuffled<int32_t>(n, key), held)
             : split_shuffled(data, permutation(n, key), held);
}

}  // namespace elbo

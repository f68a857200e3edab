#pragma once

#include <numeric>
#include <utility>
#include <vector>

#include "elbo/core/random.h"

namespace elbo {

/// permutation() in another type: int32 needs half the memory, n below 2^31.
template <class Row>
std::vector<Row> shuffled(int64_t n, uint64_t key) {
  __extension__ using Wide = unsigned __int128;
  std::vector<Row> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), Row{0});
  for (int64_t i = n - 1; i > 0; --i) {
    const Wide bits = bits_at(key, static_cast<uint64_t>(i));
    const auto other = static_cast<size_t>((bits * static_cast<Wide>(i + 1)) >> 64);
    std::swap(order[static_cast<size_t>(i)], order[other]);
  }
  return order;
}

}  // namespace elbo

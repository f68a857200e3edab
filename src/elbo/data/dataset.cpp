#include "elbo/data/dataset.h"

#include <limits>

namespace elbo {
namespace {

/// f of every part that is there.
template <class F>
Batch each_part(const Batch& batch, const F& f) {
  const auto of = [&](const Tensor& t) { return t.defined() ? f(t) : t; };
  return {of(batch.x), of(batch.mask), of(batch.c), of(batch.y), of(batch.target), of(batch.rows)};
}

}  // namespace

Tensor observed(const Batch& batch) {
  if (!batch.mask.defined()) return batch.x;
  return batch.x.masked_fill(batch.mask == 0, std::numeric_limits<float>::quiet_NaN());
}

Batch slice(const Batch& batch, int64_t from, int64_t to) {
  return each_part(batch, [&](const Tensor& t) { return t.slice(0, from, to); });
}

Batch pick(const Batch& batch, const Tensor& rows) {
  return each_part(batch, [&](const Tensor& t) { return t.index_select(0, rows); });
}

void for_each_batch(const Dataset& data, int64_t block, const Draw& draw,
                    const std::function<void(const Batch&, int64_t)>& f) {
  check(block > 0, "[data] block: ", block, " rows, at least 1");
  for (int64_t first = 0; first < data.size(); first += block) {
    const auto rows = torch::arange(first, std::min(first + block, data.size()), torch::kInt64);
    f(data.get(rows, draw), first);
  }
}

}  // namespace elbo

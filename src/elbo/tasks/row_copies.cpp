#include "elbo/tasks/row_copies.h"

#include <bit>
#include <cmath>

#include "elbo/core/random.h"
#include "elbo/eval/compared_rows.h"

namespace elbo {

RowCopies::RowCopies(const Dataset& training, std::vector<Column> columns, int64_t shared)
    : columns_(std::move(columns)), shared_(shared) {
  constexpr int64_t kBlock = 4096;
  for_each_batch(training, kBlock, Draw{}, [&](const Batch& batch, int64_t) {
    for (const auto key : keys(observed(batch))) ++count_[key];
  });
}

Tensor RowCopies::among(const Tensor& values) const {
  auto copies = torch::zeros({values.size(0)}, torch::kBool);
  const auto found = keys(values);
  for (size_t i = 0; i < found.size(); ++i) {
    const auto same = count_.find(found[i]);
    copies.data_ptr<bool>()[i] = same != count_.end() && same->second < shared_;
  }
  return copies;
}

/// Equal cells give equal keys: those of a file, so that what rounding adds to a value counts for
/// nothing.
std::vector<uint64_t> RowCopies::keys(const Tensor& values) const {
  const auto cells = as_written(values, columns_).contiguous();
  const auto* cell = cells.data_ptr<float>();
  std::vector<uint64_t> keys(static_cast<size_t>(cells.size(0)));
  for (auto& key : keys) {
    for (size_t j = 0; j < columns_.size(); ++j, ++cell) {
      const float one = std::isnan(*cell) ? NAN : *cell + 0.0F;  // -0 is 0
      key = bits_at(key, std::bit_cast<uint32_t>(one) + 1);
    }
  }
  return keys;
}

}  // namespace elbo

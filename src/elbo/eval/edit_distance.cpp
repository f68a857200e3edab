#include "elbo/eval/edit_distance.h"

#include <algorithm>
#include <numeric>

#include "elbo/data/tokenizer.h"

namespace elbo {

std::vector<int64_t> tokens_before_end(const Tensor& ids) {
  const auto row = ids.to(torch::kCPU, torch::kInt64).contiguous();
  const auto* begin = row.data_ptr<int64_t>();
  return {begin, std::find(begin, begin + row.numel(), kEndToken)};
}

int64_t edit_distance(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  std::vector<int64_t> row(b.size() + 1);  // distances of the present beginning of a to those of b
  std::iota(row.begin(), row.end(), int64_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    int64_t diagonal = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      const int64_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

void TokenAgreement::add(const Tensor& data, const Tensor& made) {
  const auto counted = token_mask(data);
  // An end stands where it stood only if the made row had not ended before.
  const auto same = (data == made).to(counted.scalar_type()) * token_mask(made);
  const auto right = (same * counted).sum(1) / counted.sum(1);
  for (int64_t i = 0; i < data.size(0); ++i) {
    const auto a = tokens_before_end(data[i]), b = tokens_before_end(made[i]);
    const auto edits = static_cast<double>(edit_distance(a, b));
    const auto longer = static_cast<double>(std::max({a.size(), b.size(), size_t{1}}));
    const double weight = 1.0 / static_cast<double>(++rows);
    exact += weight * ((a == b ? 1.0 : 0.0) - exact);
    accuracy += weight * (right[i].item<double>() - accuracy);
    distance += weight * (edits - distance);
    share += weight * (edits / longer - share);
  }
}

}  // namespace elbo

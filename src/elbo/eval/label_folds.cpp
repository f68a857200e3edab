#include "elbo/eval/label_folds.h"

#include "elbo/core/error.h"
#include "elbo/core/random.h"

namespace elbo {

FoldErrors errors_by_folds(const Tensor& y, const GuessByLabels& guess) {
  constexpr int64_t kFolds = 5;
  const auto labelled = (y >= 0).nonzero().flatten();
  const int64_t n = labelled.size(0), folds = std::min(kFolds, n);
  check(folds > 1, "[classify] found ", n, " labelled rows, expected at least 2");
  const auto order =
      labelled.index_select(0, torch::tensor(permutation(n, Draw{}.key("folds")), torch::kInt64));
  FoldErrors sum{0, 0};
  for (int64_t fold = 0; fold < folds; ++fold) {
    const int64_t from = n * fold / folds, to = n * (fold + 1) / folds;
    const auto asked = order.slice(0, from, to);
    const auto told = torch::cat({order.slice(0, 0, from), order.slice(0, to)});
    const auto p = guess(told, asked), truth = y.index_select(0, asked);
    sum.wrong += static_cast<double>((p.argmax(1) != truth).sum().item<int64_t>());
    sum.doubt += (1 - p.gather(1, truth.unsqueeze(1))).sum().item<double>();
  }
  return {sum.wrong / static_cast<double>(n), sum.doubt / static_cast<double>(n)};
}

}  // namespace elbo

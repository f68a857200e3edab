#include "elbo/eval/label_folds.h"

#include "elbo/core/error.h"
#include "elbo/core/random.h"

namespace elbo {

double wrong_by_folds(const Tensor& y, const GuessByLabels& guess) {
  constexpr int64_t kFolds = 5;
  const auto labelled = (y >= 0).nonzero().flatten();
  const int64_t n = labelled.size(0), folds = std::min(kFolds, n);
  check(folds > 1, "[classify] found ", n, " labelled rows, expected at least 2");
  const auto order =
      labelled.index_select(0, torch::tensor(permutation(n, Draw{}.key("folds")), torch::kInt64));
  int64_t wrong = 0;
  for (int64_t fold = 0; fold < folds; ++fold) {
    const int64_t from = n * fold / folds, to = n * (fold + 1) / folds;
    const auto asked = order.slice(0, from, to);
    const auto told = torch::cat({order.slice(0, 0, from), order.slice(0, to)});
    wrong += (guess(told, asked) != y.index_select(0, asked)).sum().item<int64_t>();
  }
  return static_cast<double>(wrong) / static_cast<double>(n);
}

}  // namespace elbo

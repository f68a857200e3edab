#include "elbo/eval/cell_forest.h"

#include "elbo/core/random.h"

namespace elbo {

Forest forest_of_cells(const Tensor& cells, const Tensor& y, int64_t classes) {
  constexpr int64_t kMostRows = 2000;
  if (y.size(0) <= kMostRows) return Forest(cells, y, classes);
  const auto order = torch::tensor(permutation(y.size(0), Draw{}.key("cells")), torch::kInt64);
  const auto some = order.narrow(0, 0, kMostRows);
  return Forest(cells.index_select(0, some), y.index_select(0, some), classes);
}

FoldErrors errors_of_forest(const Tensor& cells, const Tensor& y, int64_t classes) {
  return errors_by_folds(y, [&](const Tensor& told, const Tensor& asked) {
    const auto forest =
        forest_of_cells(cells.index_select(0, told), y.index_select(0, told), classes);
    return forest.probabilities(cells.index_select(0, asked));
  });
}

}  // namespace elbo

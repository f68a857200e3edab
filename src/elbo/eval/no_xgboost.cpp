#include "elbo/core/error.h"
#include "elbo/eval/boosted_forest.h"

namespace elbo {

std::string forest_library() { return ""; }

BoostedForest boost_forest(const Tensor&, const Tensor&, const Tensor&, int64_t) {
  fail("[trees] this build has no XGBoost; install libxgboost-dev and build again");
}

}  // namespace elbo

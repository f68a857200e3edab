#include "elbo/coding/exact_rows.h"

namespace elbo {

std::unique_ptr<RowCode> exact_row_code(const std::shared_ptr<Model>&, const Schemas&) {
  return nullptr;
}

}  // namespace elbo

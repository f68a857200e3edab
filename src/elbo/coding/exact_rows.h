#pragma once

#include "elbo/coding/row_code.h"

namespace elbo {

/// Rows of a model whose latent variables are summed exactly; null where it is none.
std::unique_ptr<RowCode> exact_row_code(const std::shared_ptr<Model>& model,
                                        const Schemas& schemas);

}  // namespace elbo

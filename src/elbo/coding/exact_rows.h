#pragma once

#include "elbo/coding/row_code.h"

namespace elbo {

/// Rows of a table, column after column, by sums over all classes of the latent variables; null
/// where the model has no such sums. Any x and mask come back: what the model gives no probability
/// costs its 32 bits and more. A column of which a whole call has no cell costs one bit.
std::unique_ptr<RowCode> exact_row_code(const std::shared_ptr<Model>& model,
                                        const Schemas& schemas);

}  // namespace elbo

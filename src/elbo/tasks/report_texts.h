#pragma once

#include <string>
#include <vector>

#include "elbo/data/schema.h"

namespace elbo {

/// Texts (rows of ids, [n, T] each) side by side, as a figure.
std::string text_figure(const std::vector<Tensor>& columns, const Schema& schema,
                        const std::string& caption);

}  // namespace elbo

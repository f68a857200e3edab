#pragma once

#include <string>

#include "elbo/core/tensor.h"
#include "elbo/data/schema.h"

namespace elbo {

/// Rows of molecules as a figure of HTML: pictures side by side, or their SMILES where the build
/// cannot draw.
std::string molecule_figure(const Tensor& x, const Schema& schema, int64_t columns,
                            const std::string& caption);
/// One molecule as an address of an SVG picture, for an <img>; empty where the build cannot draw.
std::string molecule_image(const std::string& smiles);

}  // namespace elbo

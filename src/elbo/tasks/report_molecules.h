#pragma once

#include <string>

namespace elbo {

/// One molecule as an address of an SVG picture, for an <img>; empty where the build cannot draw.
std::string molecule_image(const std::string& smiles);

}  // namespace elbo

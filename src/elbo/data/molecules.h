#pragma once

#include <string>
#include <vector>

#include "elbo/data/dataset.h"

namespace elbo {

/// The schema of properties to predict, from values [N, k] where NaN is unknown.
Schema property_schema(const Tensor& values, const std::vector<std::string>& names);
/// Names of the properties that a schema of targets holds.
std::vector<std::string> property_names(const Schema& target);
/// [N, k] properties that RDKit computes; NaN where a text is no molecule.
Tensor computed_properties(const std::vector<std::string>& smiles,
                           const std::vector<std::string>& names);

}  // namespace elbo

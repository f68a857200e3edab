#pragma once

#include <functional>

#include "elbo/core/options.h"
#include "elbo/model/codes.h"

namespace elbo {

/// Rows as the explorer's map lays them out: "sliders" for the dimensions that rows use most, and
/// "map": points of the rows, and axes of the code on which a click moves. Codes of whole numbers
/// alone have no axes: their rows lie by how they look, `looks` [N, F], which is then asked for.
Json map_of_codes(const CodeLayout& layout, const Tensor& codes, const Tensor& labels,
                  const std::function<Tensor()>& looks);

/// For each class the step from the mean code of all others to that of its rows; whole numbers
/// stay.
Json class_steps(const std::vector<std::string>& classes, const Tensor& whole, const Tensor& codes,
                 const Tensor& labels);

/// [N] of codes [N, D] from one [1, D]: in deviations of the codes, and one for each whole number
/// that differs.
Tensor code_distances(const Tensor& whole, const Tensor& codes, const Tensor& code);

}  // namespace elbo

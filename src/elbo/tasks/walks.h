#pragma once

#include <string>
#include <vector>

#include "elbo/model/codes.h"

namespace elbo {

/// At most n places of a code, the most used first by `use` [D]. Of each latent variable that is
/// used one is among them: the top of a hierarchy moves less than what is below it.
std::vector<int64_t> most_used(const CodeLayout& layout, const Tensor& use, int64_t n);

/// Codes in which the most used dimensions of one code are varied, one line each.
struct Traversal {
  Tensor codes;                     // [lines * steps, D]
  std::vector<int64_t> dimensions;  // of each line
  Tensor center, spread;            // [D] mean and deviation of the data's codes
};
/// `seen` [N, D]: codes of data; a dimension is used as far as they move (Burda et al. 2016). Each
/// line goes `reach` deviations to both sides of the mean; the rest is that of `row`.
/// The numbers of a codebook have no such distances: a line goes through some that the data use.
Traversal traversal(const CodeLayout& layout, const Tensor& seen, int64_t row, int64_t lines,
                    int64_t steps, double reach);

/// [steps, D] from code a to code b [D] each, along a line or, on "sphere", along the arc between
/// them; sites of whole numbers change at the middle.
Tensor walk(const CodeLayout& layout, const Tensor& a, const Tensor& b, int64_t steps,
            const std::string& path = "straight");

}  // namespace elbo

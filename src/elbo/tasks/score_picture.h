#pragma once

#include <string>
#include <vector>

#include "elbo/core/tensor.h"
#include "elbo/data/row_view.h"
#include "elbo/eval/row_score.h"

namespace elbo {

/// Scores of rows from left to right, those above the threshold marked: bytes [3, H, W].
Tensor score_plot(const std::vector<double>& scores, double threshold,
                  const std::vector<std::string>& names);
/// A line for each picture of x [N, C, H, W]: the picture, what the model expects, and where the
/// two differ beyond what is usual. `names`: what stands beside the lines.
Tensor unusual_pictures(const PictureView& view, const Tensor& x, const RowScorer::Causes& causes,
                        const std::vector<std::string>& names);

}  // namespace elbo

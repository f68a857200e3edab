#pragma once

#include <string>
#include <vector>

#include "elbo/data/dataset.h"
#include "elbo/model/density.h"

namespace elbo {

/// What the single numbers of a row are to a density: 0 = a number, else how many classes.
std::vector<int64_t> classes_of_columns(const Schema& x);
/// [B, D] float32 with NaN where a cell is missing.
Tensor columns_of_rows(const Batch& batch);
/// At most `most` training rows in an order drawn by chance, as [n, D].
Tensor drawn_columns(const Dataset& training, int64_t most);

/// Brings the numbers of columns to one scale; class numbers stay as they are.
class ColumnScale : public torch::nn::Module {
 public:
  virtual void fit(const Tensor& columns) = 0;
  virtual Tensor forward(const Tensor& columns) const = 0;
};
/// "standard": zero mean, unit deviation. "ranks": the normal quantile of a value's rank among the
/// training rows, ties in the middle of theirs, straight lines beyond both ends.
std::shared_ptr<ColumnScale> make_column_scale(const std::string& name,
                                               const std::vector<int64_t>& classes);

/// The option that names it.
template <class F>
void scale_field(F&& f, std::string& scale) {
  f("scale", scale,
    "scale of the numbers: ranks (normal quantiles of their ranks) or standard (mean 0, deviation "
    "1)",
    one_of({"ranks", "standard"}));
}

}  // namespace elbo

#pragma once

#include <functional>

#include "elbo/nn/convolution.h"
#include "elbo/nn/group_norm.h"
#include "elbo/nn/row_source.h"

// The layers of pictures by rows. Each holds its layer.

namespace elbo {

/// `far`: one more row and column of zeros at the far ends.
Rows convolved_rows(Rows x, std::shared_ptr<Convolution> layer, bool far = false);
Rows normalised_rows(Rows x, std::shared_ptr<GroupNorm> norm);
Rows doubled_rows(Rows x);
/// f of every place by itself.
Rows mapped_rows(Rows x, std::function<Tensor(const Tensor&)> f);
/// `late` reads further down than `x` is asked for, and is asked first.
Rows summed_rows(Rows late, Rows x);

}  // namespace elbo

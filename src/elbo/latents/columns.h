#pragma once

#include "elbo/model/latent.h"

// What latents share that have a class or a state for each column.

namespace elbo {

/// How many columns there are. Raises an Error in the name of the latent where the data are not
/// columns, where there is a condition, or where the decoder is another one, and why it may not be.
int64_t columns_alone(const LatentPlan& plan, const std::string& latent, const std::string& decoder,
                      const char* why);

/// z [n, D] rounded. Raises an Error where its shape is another one or a number is not one of
/// 0 … count-1, as `what` calls them.
Tensor whole_numbers(const Tensor& z, int64_t columns, int64_t count, const char* what);

}  // namespace elbo

#pragma once

#include <c10/core/Device.h>

#include <string>

#include "elbo/core/options.h"

namespace elbo {

/// A device by its name: "cpu", "cuda", "cuda:1", or "auto", the best there is. `local_rank` picks
/// among several of a machine where no number is given. Raises an Error that names what was found
/// and how to get what was asked for.
torch::Device choose_device(const std::string& name, int64_t local_rank = 0);
/// What libtorch and this machine offer: {"libtorch", "cuda", "devices"}.
Json device_report();

}  // namespace elbo

#pragma once

#include "elbo/nn/network.h"

namespace elbo {

/// One network at every step of a series: [T, …] -> [k T, …], where what a step makes stands at
/// t, T + t, …, as heads read k numbers per component. Raises an Error where k is not whole.
std::shared_ptr<Network> make_steps(const NetworkPlan& plan, const Json& declaration);

}  // namespace elbo

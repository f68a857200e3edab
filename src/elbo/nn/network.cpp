#include "elbo/nn/network.h"

namespace elbo {

Registry<Network, const NetworkPlan&>& networks() {
  static Registry<Network, const NetworkPlan&> registry("network");
  return registry;
}

}  // namespace elbo

#include "elbo/nn/sequence.h"

namespace elbo {

Registry<SequenceNetwork, const SequencePlan&>& sequence_networks() {
  static Registry<SequenceNetwork, const SequencePlan&> registry("sequence");
  return registry;
}

}  // namespace elbo

#pragma once

#include "elbo/data/schema.h"
#include "elbo/nn/network.h"

namespace elbo {

/// Reads texts: ids [B, T], NaN where a token is hidden or the row has ended. `declaration` names a
/// sequence network, which reads each row from both ends, or a network over all embedded tokens at
/// once.
std::shared_ptr<Network> make_token_encoder(const Json& declaration, const Schema& x, Shape out,
                                            int64_t condition);

}  // namespace elbo

#pragma once

#include <string>

#include "elbo/core/grammar.h"

namespace elbo {

/// Which tokens of a vocabulary may follow in a SMILES: rings and branches that close, no more
/// bonds than an atom's valence has, aromatic rings that can be kekulized (after Dai et al. 2018,
/// arXiv:1802.08786). The token "" ends a text, and must stand for a whole molecule. Where a rule
/// would need to look far ahead it is lenient: few texts end in a place without a way out, and
/// then everything is allowed.
std::shared_ptr<const Grammar> smiles_grammar(const std::vector<std::string>& vocabulary);

}  // namespace elbo

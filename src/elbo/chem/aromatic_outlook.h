#pragma once

#include "elbo/chem/molecule_prefix.h"

namespace elbo {

/// Whether every aromatic atom of a text that goes on may still lie in a ring of such, and single
/// and double bonds may still alternate there. Lenient where that needs a look far ahead.
bool aromatic_rings_possible(const MoleculePrefix& text);

}  // namespace elbo

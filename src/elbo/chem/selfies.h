#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "elbo/chem/smiles.h"

// SELFIES (Krenn et al. 2020, arXiv:1905.13741; the grammar of version 2): a spelling of molecules
// in which every string of symbols stands for a molecule of allowed valences. Stereo marks are
// kept.

namespace elbo {

/// Symbols in brackets one by one, and dots. Raises an Error where something else stands.
std::vector<std::string> selfies_tokens(std::string_view text);
/// The symbols of a molecule without aromatic bonds (kekulize). Raises an Error where an atom has
/// more bonds than the grammar allows.
std::vector<std::string> encode_selfies(const MoleculeGraph& molecule);
/// The molecule that any list of symbols stands for; without atoms where they spell none. A word
/// that is no symbol raises an Error.
MoleculeGraph decode_selfies(const std::vector<std::string>& symbols);

/// Both ways between texts.
std::string smiles_to_selfies(std::string_view smiles);
std::string selfies_to_smiles(std::string_view selfies);

/// The sixteen digits in which lengths of branches and rings are written, in order.
const std::vector<std::string>& selfies_digits();

}  // namespace elbo

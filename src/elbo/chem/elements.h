#pragma once

#include <string>

namespace elbo {

/// Whether a symbol of the periodic table, as "Cl".
bool is_element(const std::string& symbol);
/// Whether SMILES may write it in small letters within brackets.
bool is_aromatic_element(const std::string& symbol);
/// Whether SMILES write it without brackets: in capitals, and in small letters.
bool is_organic(const std::string& symbol);
bool is_organic_aromatic(const std::string& symbol);
/// "c" as "C".
std::string as_element(std::string symbol);

/// Most bonds of an atom of this element and charge, hydrogens counted: the default constraints of
/// SELFIES 2 (Krenn et al. 2020); elements that they leave open have those that chemistry allows.
int bonding_capacity(const std::string& element, int charge);

}  // namespace elbo

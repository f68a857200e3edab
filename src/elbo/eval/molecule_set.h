#pragma once

#include <map>
#include <string>
#include <vector>

#include "elbo/core/options.h"

namespace elbo {

/// How often each of several things occurs.
using FragmentCounts = std::map<std::string, int64_t>;
/// Cosine of the angle between two tables of counts; 0 where one is empty.
double cosine(const FragmentCounts& a, const FragmentCounts& b);

/// Texts that were made, and what they are as molecules.
struct MoleculeSet {
  int64_t texts = 0;
  std::vector<std::string> molecules;   // the valid ones, canonical
  FragmentCounts fragments, scaffolds;  // of BRICS, of Bemis and Murcko; no scaffold counts as ""
};
MoleculeSet read_molecules(const std::vector<std::string>& smiles);
/// Canonical forms of the valid ones, in order.
std::vector<std::string> canonical_molecules(const std::vector<std::string>& smiles);

/// 1 - mean Tanimoto similarity over pairs of different places (Benhenda 2017), of at most so many
/// molecules.
double internal_diversity(const std::vector<std::string>& molecules, size_t most = 2000);

/// Shares of valid, unique (of the valid), novel (of the unique) molecules, diversity, and
/// similarity of fragments and scaffolds to the reference's: the measures of MOSES (Polykovskiy
/// et al. 2020).
Json compare_molecules(const std::vector<std::string>& made,
                       const std::vector<std::string>& training,
                       const std::vector<std::string>& reference);
/// Row by row: shares of the same text, of the same molecule, of valid ones, and the mean Tanimoto
/// similarity, 0 for what is no molecule.
Json compare_reconstructions(const std::vector<std::string>& data,
                             const std::vector<std::string>& made);

}  // namespace elbo

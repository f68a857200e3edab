#include <GraphMol/Descriptors/MolDescriptors.h>
#include <GraphMol/Fingerprints/MorganFingerprints.h>
#include <GraphMol/MolOps.h>
#include <RDGeneral/types.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <unordered_map>

#include "elbo/chem/rdkit_data.h"
#include "elbo/core/error.h"
#include "elbo/io/file.h"

// Synthetic accessibility (Ertl & Schuffenhauer 2009, doi:10.1186/1758-2946-1-8), with the table
// of fragments and the corrections of RDKit's contribution SA_Score.

namespace elbo {
namespace {

using Scores = std::unordered_map<uint32_t, double>;

constexpr const char* kTable = "/usr/share/RDKit/Contrib/SA_Score/fpscores.pkl.gz";

std::string table_path() {
  const char* base = std::getenv("RDBASE");
  return base ? std::string(base) + "/Contrib/SA_Score/fpscores.pkl.gz" : kTable;
}

/// The table is a list of lists, a score first and then the fragments that have it, in Python's
/// oldest text format: one number a line, F for the score and I for a fragment.
Scores read_scores() {
  const auto path = table_path();
  std::string text;
  try {
    text = read_maybe_gzip(path);
  } catch (const Error&) {
    fail("[property sa] ", path,
         ": not found; install rdkit-data, or set RDBASE to RDKit's folder");
  }
  Scores scores;
  double score = 0;
  for (size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    // Between numbers stand the letters of appending and of beginning a list.
    const auto word = text.find_first_of("FI", at);
    if (word < end && text[word] == 'F') score = std::atof(text.c_str() + word + 1);
    if (word < end && text[word] == 'I') {
      scores[static_cast<uint32_t>(std::atoll(text.c_str() + word + 1))] = score;
    }
    at = end + 1;
  }
  check(scores.size() > 1000, "[property sa] ", path, ": ", scores.size(),
        " fragments, not the table that was expected");
  return scores;
}

double fragment_score(const RDKit::ROMol& molecule, size_t& kinds) {
  static const Scores scores = read_scores();
  constexpr double kUnknown = -4;
  const std::unique_ptr<RDKit::SparseIntVect<uint32_t>> counts(
      RDKit::MorganFingerprints::getFingerprint(molecule, 2));
  double sum = 0, n = 0;
  for (const auto& [fragment, count] : counts->getNonzeroElements()) {
    const auto known = scores.find(fragment);
    sum += count * (known == scores.end() ? kUnknown : known->second);
    n += count;
  }
  kinds = counts->getNonzeroElements().size();
  return sum / std::max(n, 1.0);
}

/// Centres that are marked, and those that could be.
int64_t stereo_centres(const RDKit::ROMol& molecule) {
  RDKit::ROMol marked(molecule);
  RDKit::MolOps::assignStereochemistry(marked, false, true, true);
  int64_t n = 0;
  for (const auto* atom : marked.atoms()) {
    n += atom->hasProp(RDKit::common_properties::_CIPCode) ||
         atom->hasProp(RDKit::common_properties::_ChiralityPossible);
  }
  return n;
}

}  // namespace

double synthetic_accessibility(const RDKit::ROMol& molecule) {
  size_t kinds = 0;
  double score = fragment_score(molecule, kinds);
  const double atoms = molecule.getNumAtoms();
  const auto& rings = molecule.getRingInfo()->atomRings();
  const bool large =
      std::any_of(rings.begin(), rings.end(), [](const auto& ring) { return ring.size() > 8; });
  score -= std::pow(atoms, 1.005) - atoms;
  score -= std::log10(static_cast<double>(stereo_centres(molecule)) + 1);
  score -= std::log10(RDKit::Descriptors::calcNumSpiroAtoms(molecule) + 1.0);
  score -= std::log10(RDKit::Descriptors::calcNumBridgeheadAtoms(molecule) + 1.0);
  if (large) score -= std::log10(2.0);
  const auto k = static_cast<double>(kinds);
  if (atoms > k) score += 0.5 * std::log(atoms / k);
  // From [-4, 2.5] to [10, 1], smoothed at the difficult end.
  constexpr double kLow = -4, kHigh = 2.5;
  double scaled = 11 - (score - kLow + 1) / (kHigh - kLow) * 9;
  if (scaled > 8) scaled = 8 + std::log(scaled + 1 - 9);
  return std::clamp(scaled, 1.0, 10.0);
}

}  // namespace elbo

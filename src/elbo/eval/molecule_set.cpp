#include "elbo/eval/molecule_set.h"

#include <cmath>
#include <set>

#include "elbo/chem/molecule.h"
#include "elbo/kernels/parallel.h"

namespace elbo {
namespace {

constexpr int64_t kGrain = 64;

/// f(i, molecule) for each text that is one, on all threads.
template <class F>
void each_molecule(const std::vector<std::string>& smiles, const F& f) {
  kernels::over_ranges(0, static_cast<int64_t>(smiles.size()), kGrain,
                       [&](int64_t from, int64_t to) {
                         for (int64_t i = from; i < to; ++i) {
                           const auto at = static_cast<size_t>(i);
                           if (const auto molecule = Molecule::read(smiles[at])) f(at, *molecule);
                         }
                       });
}

double share_of(size_t part, size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

double cosine(const FragmentCounts& a, const FragmentCounts& b) {
  double product = 0, squares_a = 0, squares_b = 0;
  for (const auto& [name, n] : a) {
    squares_a += static_cast<double>(n) * static_cast<double>(n);
    const auto other = b.find(name);
    if (other != b.end()) product += static_cast<double>(n) * static_cast<double>(other->second);
  }
  for (const auto& [name, n] : b) squares_b += static_cast<double>(n) * static_cast<double>(n);
  return product == 0 ? 0 : product / std::sqrt(squares_a * squares_b);
}

MoleculeSet read_molecules(const std::vector<std::string>& smiles) {
  std::vector<std::string> canonical(smiles.size()), scaffolds(smiles.size());
  std::vector<std::vector<std::string>> fragments(smiles.size());
  each_molecule(smiles, [&](size_t i, const Molecule& molecule) {
    canonical[i] = molecule.smiles();
    scaffolds[i] = molecule.scaffold();
    fragments[i] = molecule.fragments();
  });
  MoleculeSet set;
  set.texts = static_cast<int64_t>(smiles.size());
  for (size_t i = 0; i < smiles.size(); ++i) {
    if (canonical[i].empty()) continue;
    set.molecules.push_back(std::move(canonical[i]));
    ++set.scaffolds[scaffolds[i]];
    for (const auto& fragment : fragments[i]) ++set.fragments[fragment];
  }
  return set;
}

std::vector<std::string> canonical_molecules(const std::vector<std::string>& smiles) {
  std::vector<std::string> canonical(smiles.size());
  each_molecule(smiles,
                [&](size_t i, const Molecule& molecule) { canonical[i] = molecule.smiles(); });
  std::erase(canonical, std::string());
  return canonical;
}

double internal_diversity(const std::vector<std::string>& molecules, size_t most) {
  const size_t most_read = std::min(most, molecules.size());
  std::vector<Fingerprint> prints(most_read);
  each_molecule({molecules.begin(), molecules.begin() + static_cast<int64_t>(most_read)},
                [&](size_t i, const Molecule& molecule) { prints[i] = molecule.fingerprint(); });
  // RDKit cannot read every canonical form that it writes.
  std::erase(prints, Fingerprint());
  const size_t n = prints.size();
  if (n < 2) return 0;
  double similarity = 0;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < i; ++j) similarity += tanimoto(prints[i], prints[j]);
  }
  return 1 - similarity / (static_cast<double>(n) * static_cast<double>(n - 1) / 2);
}

Json compare_molecules(const std::vector<std::string>& made,
                       const std::vector<std::string>& training,
                       const std::vector<std::string>& reference) {
  const auto set = read_molecules(made), other = read_molecules(reference);
  const std::set<std::string> different(set.molecules.begin(), set.molecules.end());
  const auto canonical = canonical_molecules(training);
  const std::set<std::string> seen(canonical.begin(), canonical.end());
  size_t novel = 0;
  for (const auto& molecule : different) novel += seen.count(molecule) == 0;
  return {{"validity", share_of(set.molecules.size(), made.size())},
          {"uniqueness", share_of(different.size(), set.molecules.size())},
          {"novelty", share_of(novel, different.size())},
          {"internal_diversity", internal_diversity(set.molecules)},
          {"fragment_similarity", cosine(set.fragments, other.fragments)},
          {"scaffold_similarity", cosine(set.scaffolds, other.scaffolds)}};
}

Json compare_reconstructions(const std::vector<std::string>& data,
                             const std::vector<std::string>& made) {
  const size_t n = data.size();
  struct Known {
    std::string smiles;
    Fingerprint print;
  };
  std::vector<Known> before(n), after(n);
  const auto read = [](const std::vector<std::string>& smiles, std::vector<Known>& out) {
    each_molecule(smiles, [&](size_t i, const Molecule& molecule) {
      out[i] = {molecule.smiles(), molecule.fingerprint()};
    });
  };
  read(data, before);
  read(made, after);
  size_t same_text = 0, same = 0, valid = 0;
  double similarity = 0;
  for (size_t i = 0; i < n; ++i) {
    same_text += data[i] == made[i];
    valid += !after[i].smiles.empty();
    if (after[i].smiles.empty() || before[i].smiles.empty()) continue;
    same += after[i].smiles == before[i].smiles;
    similarity += tanimoto(before[i].print, after[i].print);
  }
  return {{"exact_text", share_of(same_text, n)},
          {"exact_molecule", share_of(same, n)},
          {"validity", share_of(valid, n)},
          {"similarity", similarity / static_cast<double>(std::max<size_t>(n, 1))}};
}

}  // namespace elbo

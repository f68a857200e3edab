#include "elbo/chem/selfies.h"
#include "elbo/chem/smiles.h"
#include "elbo/chem/smiles_grammar.h"
#include "fuzz/harness.h"

namespace elbo::fuzzing {
namespace {

void same_size(const MoleculeGraph& a, const MoleculeGraph& b, const char* what) {
  must(a.atoms.size() == b.atoms.size() && a.bonds.size() == b.bonds.size(), what);
}

/// Text → graph → text → graph, and by way of SELFIES: atoms and bonds come back.
void read_smiles(std::string_view text) {
  auto molecule = parse_smiles(text);
  same_size(molecule, parse_smiles(write_smiles(molecule)), "SMILES lost atoms or bonds");
  kekulize(molecule);
  const auto symbols = encode_selfies(molecule);
  same_size(molecule, decode_selfies(symbols), "SELFIES lost atoms or bonds");
}

/// Every list of symbols is a molecule, which can be written.
void read_selfies(std::string_view text) {
  const auto molecule = decode_selfies(selfies_tokens(text));
  if (molecule.atoms.empty()) return;
  same_size(molecule, parse_smiles(write_smiles(molecule)), "SELFIES are not written as SMILES");
}

/// A vocabulary from the text itself: its grammar follows the text and what its bytes choose.
void follow_grammar(std::string_view text) {
  constexpr size_t kMost = 200;  // tokens
  text = text.substr(0, kMost);
  auto vocabulary = smiles_tokens(text);
  vocabulary.insert(vocabulary.begin(), "");
  const auto grammar = smiles_grammar(vocabulary);
  must(grammar != nullptr, "no grammar");
  auto writing = grammar->begin();
  for (size_t i = 0; i < text.size(); ++i) {
    const auto allowed = writing->allowed(static_cast<int64_t>(text.size() - i));
    must(allowed.size() == vocabulary.size(), "rules for other tokens");
    const auto byte = static_cast<unsigned char>(text[i]);
    writing->write(static_cast<int64_t>(byte % vocabulary.size()));
  }
}

const bool molecules_fuzzed = add_harness("smiles", read_smiles) &&
                              add_harness("selfies", read_selfies) &&
                              add_harness("grammar", follow_grammar);

}  // namespace
}  // namespace elbo::fuzzing

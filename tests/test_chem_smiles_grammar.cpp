#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <random>

#include "elbo/chem/molecule.h"
#include "elbo/chem/smiles.h"
#include "elbo/chem/smiles_grammar.h"
#include "elbo/core/error.h"
#include "elbo/io/file.h"
#include "files.h"
#include "molecules.h"

namespace elbo {
namespace {

const std::vector<std::string> kSmilesTokens{"",      "\xEF\xBF\xBD",
                                             "C",     "c",
                                             "(",     ")",
                                             "1",     "2",
                                             "%10",   "O",
                                             "N",     "n",
                                             "=",     "F",
                                             "S",     "-",
                                             "Cl",    "#",
                                             "[nH]",  "[C@H]",
                                             "s",     "o",
                                             "[O-]",  "[N+]",
                                             "[n+]",  "/",
                                             "\\",    "Br",
                                             "P",     ".",
                                             "[NH+]", "[S@]",
                                             "B",     "[NH3+]",
                                             "[nH+]", ":",
                                             "[Na+]", "3",
                                             "4",     "[o+]"};

constexpr int64_t kRoom = 100;

/// The first token that the grammar refuses, "" for the end; "ok" where there is none. `spare`: how
/// many tokens more than these a text may have.
std::string refused(const std::string& smiles, int64_t spare = kRoom) {
  auto tokens = smiles_tokens(smiles);
  tokens.emplace_back();
  // Other tokens are there, too: where none may follow, all do.
  auto vocabulary = tokens;
  vocabulary.insert(vocabulary.end(), kSmilesTokens.begin(), kSmilesTokens.end());
  const auto text = smiles_grammar(vocabulary)->begin();
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto room = spare + static_cast<int64_t>(tokens.size() - i) - 2;
    if (!text->allowed(room)[i]) return tokens[i];
    text->write(static_cast<int64_t>(i));
  }
  return "ok";
}

TEST_CASE("the grammar of SMILES lets molecules pass") {
  auto molecules = kWritten;
  for (const char* smiles : {"[Na+].[O-]C", "CS(=O)(=O)N", "O=C1C=CC(=O)C=C1", "C%10CC%10",
                             "c1csc2nccn12", "O=c1ccocc1", "c1cc[o+]cc1", "N#Cc1nc(-c2ccco2)oc1N",
                             "C.c1ccccc1", "Cc1cc/c(=N/S)[nH]c1", "c1ccc2c(c1)=NC(=O)C=2"}) {
    molecules.emplace_back(smiles);
  }
  for (const auto& smiles : molecules) CHECK_EQ(smiles + ": " + refused(smiles), smiles + ": ok");
}

TEST_CASE("the grammar of SMILES refuses the token that spoils a molecule") {
  const auto expect = [](const std::string& smiles, const std::string& token) {
    CHECK_EQ(smiles + ": " + refused(smiles), smiles + ": " + token);
  };
  expect("C1CC", "");             // an open ring
  expect("C(C", "");              // an open branch
  expect("CC=", "");              // a bond to nothing
  expect("CC)", ")");             // no branch to close
  expect("C()C", ")");            // an empty one
  expect("C==C", "=");            // two bonds
  expect("(C)", "(");             // a branch of nothing
  expect("C1C1", "1");            // two bonds between the same atoms
  expect("C11", "1");             // a ring of one atom
  expect("C(C)(C)(C)(C)C", "C");  // a fifth bond of carbon
  expect("FF", "ok");
  expect("C=FC", "F");        // a double bond of fluorine
  expect("CFC", "C");         // a second one
  expect("C1CF", "F");        // where the ring could not be closed any more
  expect("[NH3+]=C", "=");    // the hydrogens count
  expect("c1cccc1", "");      // no alternation in five carbons
  expect("c1ccccc1=O", "=");  // five carbons left to alternate
  expect("c1cc(C)(C)ccc1", "C");
  expect("Cc1cccn[nH]1", "1");  // five again: the last has its hydrogen
  expect("cC", "C");            // aromatic, but in no ring
  expect("c1ccccc1cC", "C");
  expect("c1ccccc1.", "");  // a dot before nothing
  expect("C(/1)CC1", "1");
  expect("C1.C", ".");  // no ring over a dot
}

TEST_CASE("what is written under the grammar at random can be read as a molecule") {
  const auto grammar = smiles_grammar(kSmilesTokens);
  std::mt19937 random(0);
  int64_t texts = 0, rings = 0, aromatic = 0;
  while (texts < 80) {
    const auto text = grammar->begin();
    std::string smiles;
    bool ended = false;
    for (int t = 0; t < 60 && !ended; ++t) {
      auto allowed = text->allowed(59 - t);
      if (std::count(allowed.begin(), allowed.end(), 0) == 0) break;
      // An end where it may stand, now and then; else atoms more often than marks.
      if (t > 8 && allowed[0] && random() % 4 == 0) {
        ended = true;
        continue;
      }
      allowed[0] = 0;
      std::vector<double> weight(allowed.begin(), allowed.end());
      for (const size_t often : {2, 3, 3, 5, 6, 11}) weight[often] *= 4;
      for (size_t seldom = 12; seldom < weight.size(); ++seldom) weight[seldom] *= 0.2;
      if (std::count(allowed.begin(), allowed.end(), 1) == 0) break;
      const auto token = std::discrete_distribution<size_t>(weight.begin(), weight.end())(random);
      text->write(static_cast<int64_t>(token));
      smiles += kSmilesTokens[token];
    }
    if (!ended) continue;  // the room is over, or no way leads on
    ++texts;
    rings += smiles.find('1') != std::string::npos;
    aromatic += smiles.find('c') != std::string::npos;
    CAPTURE(smiles);
    auto molecule = parse_smiles(smiles);
    CHECK_NOTHROW(kekulize(molecule));
    if (has_chemistry()) CHECK(Molecule::read(smiles).has_value());
  }
  CHECK_GT(rings, 15);
  CHECK_GT(aromatic, 15);
}

TEST_CASE("a hundred thousand molecules pass the grammar" * doctest::test_suite("slow") *
          doctest::skip()) {
  const auto folder = real_data("molecules");
  if (folder.empty()) return;
  int64_t molecules = 0, stopped = 0;
  for (const char* name : {"zinc24k.smi", "chembl_validation.smi.gz"}) {
    std::istringstream lines(read_maybe_gzip(folder + "/" + name));
    for (std::string line; lines >> line; ++molecules) {
      const auto token = refused(line, 0);
      if (token == "ok") continue;
      ++stopped;
      MESSAGE(line << ": " << token);
    }
  }
  CHECK_GE(molecules, 24000);
  CHECK_EQ(stopped, 0);
}

}  // namespace
}  // namespace elbo

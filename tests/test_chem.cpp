#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <set>

#include "elbo/chem/molecule.h"
#include "elbo/chem/selfies.h"
#include "elbo/core/error.h"
#include "elbo/io/file.h"
#include "files.h"
#include "molecules.h"

namespace elbo {
namespace {

std::string two_ways(const std::string& smiles) {
  return selfies_to_smiles(smiles_to_selfies(smiles));
}

std::string canonical(const std::string& smiles) { return Molecule::parse(smiles).smiles(); }

std::vector<std::string> zinc_lines(size_t most) {
  const auto path = real_data("molecules/zinc24k.smi");
  std::vector<std::string> lines;
  if (path.empty()) return lines;
  std::ifstream file(path);
  for (std::string line; lines.size() < most && file >> line;) lines.push_back(line);
  return lines;
}

std::string random_symbols(std::mt19937& draw) {
  static const std::vector<std::string> further = {
      "[Ring3]", "[Branch3]", "[=Ring1]", "[#Ring1]", "[-/Ring1]", "[\\/Ring2]", "[/C]",
      "[\\C]",   "[/C@@H1]",  "[C@H1]",   "[C@@]",    "[S@]",      "[N+1]",      "[NH1+1]",
      "[NH3+1]", "[O-1]",     "[=O]",     "[=O+1]",   "[#N]",      "[C-1]",      "[C+1]",
      "[S+1]",   "[P+1]",     "[P-1]",    "[B]",      "[B-1]",     "[F]",        "[Cl]",
      "[I]",     "[H]",       "[2H]",     "[13CH2]",  "[Si]",      "[=Se]",      "[As]",
      "[NH1]",   "[nop]",     "[CH4]",    "[Na+1]",   ".",         "[=S@@]"};
  const auto& digits = selfies_digits();
  std::string text = "[C]";
  for (auto left = 1 + draw() % 60; left > 0; --left) {
    const bool digit = draw() % 3 == 0;
    text += digit ? digits[draw() % digits.size()] : further[draw() % further.size()];
  }
  return text;
}

TEST_CASE("a SMILES falls into atoms, bonds and rings, and joins again") {
  const auto tokens = smiles_tokens("C%12Br[C@@H](Cl)/C=%12");
  const std::vector<std::string> expected = {"C", "%12", "Br", "[C@@H]", "(",  "Cl",
                                             ")", "/",   "C",  "=",      "%12"};
  CHECK_EQ(tokens, expected);
}

TEST_CASE("published SELFIES come out, and published ones are read") {
  // Krenn et al. 2020 and the documentation of its version 2.
  CHECK_EQ(smiles_to_selfies("c1ccccc1"), "[C][=C][C][=C][C][=C][Ring1][=Branch1]");
  CHECK_EQ(smiles_to_selfies("C=CF"), "[C][=C][F]");
  CHECK_EQ(selfies_to_smiles("[C][=C][F]"), "C=CF");
  // A bond that the fluorine has no room for.
  CHECK_EQ(selfies_to_smiles("[C][#F]"), "CF");
  CHECK_EQ(selfies_to_smiles("[O][=O][C]"), "O=O");
  CHECK_EQ(selfies_to_smiles("[C][Branch1][C][F][Cl]"), "C(F)Cl");
  CHECK_EQ(smiles_to_selfies("N[C@@H](C)C(=O)O"),
           "[N][C@@H1][Branch1][C][C][C][=Branch1][C][=O][O]");
  // A ring that is closed at the earlier of its atoms.
  CHECK_EQ(smiles_to_selfies("C(CC1)1"), "[C][C][C][Ring1][Ring1]");
  if (has_chemistry()) {
    for (const char* text : {"[C@](F)(Cl)(CCC1)1", "[C@@H](F)(CCO1)1", "C(CC(F)C1)1"})
      CHECK_EQ(canonical(two_ways(text)), canonical(text));
  }
}

TEST_CASE("aromatic rings get the double bonds that their atoms ask for") {
  const auto doubles = [](const std::string& smiles) {
    auto molecule = parse_smiles(smiles);
    kekulize(molecule);
    return std::count_if(molecule.bonds.begin(), molecule.bonds.end(),
                         [](const Bond& b) { return b.order == 2; });
  };
  CHECK_EQ(doubles("c1ccccc1"), 3);
  CHECK_EQ(doubles("c1cc[nH]c1"), 2);
  CHECK_EQ(doubles("c1ccccc1c1ccccc1"), 6);
  CHECK_EQ(doubles("c1cc2ccc3cccc4ccc(c1)c2c34"), 8);  // pyrene: sixteen carbons
  CHECK_EQ(doubles("c1cccc2cccc2c1"), 5);              // azulene: odd rings
  CHECK(error_of([&] { doubles("c1cccc1"); }).find("no alternation") != std::string::npos);
}

TEST_CASE("what is no SMILES or no SELFIES is refused with its place") {
  const std::vector<std::pair<std::string, std::string>> bad = {{"C(", "a branch is not closed"},
                                                                {"C)", "at 2"},
                                                                {"C1CC", "ring 1 is not closed"},
                                                                {"C=", "ends with a bond"},
                                                                {"[Xx]", "not an element"},
                                                                {"C[CH", "not closed"},
                                                                {"Q", "at 1: not an atom"},
                                                                {"C=1CC-1", "two orders"},
                                                                {"C11", "a ring of one atom"},
                                                                {"C12CC12", ""},
                                                                {"", "no atoms"},
                                                                {"=C", "at 1"},
                                                                {"C%1", "%"}};
  for (const auto& [text, reason] : bad) {
    CAPTURE(text);
    if (!reason.empty()) {
      CHECK(error_of([&] { parse_smiles(text); }).find(reason) != std::string::npos);
    } else {
      CHECK_THROWS_AS(parse_smiles(text), Error);
    }
  }
  CHECK_THROWS_AS(parse_smiles(std::string(kMostSmiles + 1, 'C')), Error);
  CHECK_THROWS_AS(selfies_to_smiles("[C]C"), Error);
  CHECK_THROWS_AS(selfies_to_smiles("[Quark]"), Error);
  CHECK(error_of([] { smiles_to_selfies("CC(C)(C)(C)C"); }).find("at most 4") != std::string::npos);
}

TEST_CASE("SELFIES and back is the same molecule") {
  if (!has_chemistry()) return;
  auto molecules = kWritten;
  const auto zinc = zinc_lines(300);
  molecules.insert(molecules.end(), zinc.begin(), zinc.end());
  for (const auto& smiles : molecules) {
    CAPTURE(smiles);
    auto kekule = parse_smiles(smiles);
    CHECK_EQ(canonical(write_smiles(kekule)), canonical(smiles));
    kekulize(kekule);
    CHECK_EQ(canonical(write_smiles(kekule)), canonical(smiles));
    CHECK_EQ(canonical(two_ways(smiles)), canonical(smiles));
  }
}

TEST_CASE("every string of symbols is a valid molecule") {
  std::mt19937 draw(0);
  for (int i = 0; i < 2000; ++i) {
    const auto text = random_symbols(draw);
    CAPTURE(text);
    const auto smiles = selfies_to_smiles(text);
    // The text that is written reads again as the same symbols as those of a second round.
    CHECK_EQ(two_ways(two_ways(smiles)), two_ways(smiles));
    if (has_chemistry()) CHECK(Molecule::read(smiles).has_value());
  }
}

TEST_CASE("a hundred thousand molecules go both ways" * doctest::test_suite("slow") *
          doctest::skip()) {
  const auto folder = real_data("molecules");
  if (folder.empty() || !has_chemistry()) return;
  int64_t molecules = 0, different = 0;
  for (const char* name : {"zinc24k.smi", "chembl_validation.smi.gz"}) {
    std::istringstream lines(read_maybe_gzip(folder + "/" + name));
    for (std::string line; lines >> line; ++molecules) {
      different += canonical(two_ways(line)) != canonical(line);
    }
  }
  CHECK_GE(molecules, 100000);
  CHECK_EQ(different, 0);
}

}  // namespace
}  // namespace elbo

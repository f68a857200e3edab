#include <fstream>
#include <nlohmann/json.hpp>

#include "elbo/chem/molecule.h"
#include "files.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

nlohmann::json golden_molecules() {
  std::ifstream file(std::string(ELBO_SOURCE_DIR) + "/tests/golden/molecules.json");
  return nlohmann::json::parse(file);
}

TEST_CASE("properties of molecules are those of python3-rdkit") {
  if (!has_chemistry()) return;
  const auto golden = golden_molecules();
  const auto benzene = Molecule::parse("c1ccccc1").fingerprint();
  CHECK_GE(golden["written"].size(), 100);
  for (const auto& row : golden["written"]) {
    const auto smiles = row["smiles"].get<std::string>();
    CAPTURE(smiles);
    const auto molecule = Molecule::parse(smiles);
    for (const auto& property : molecule_properties()) {
      CAPTURE(property.name);
      CHECK_CLOSE(molecule.property(property.name), row[property.name].get<double>(),
                  kGoldenDouble);
    }
    CHECK_EQ(molecule.smiles(), row["canonical"].get<std::string>());
    CHECK_EQ(molecule.scaffold(), row["scaffold"].get<std::string>());
    CHECK_CLOSE(tanimoto(benzene, molecule.fingerprint()), row["benzene"].get<double>(),
                kGoldenDouble);
  }
}

TEST_CASE("drug-likeness of a thousand molecules is that of python3-rdkit") {
  const auto path = real_data("molecules/zinc24k.smi");
  if (!has_chemistry() || path.empty()) return;
  std::ifstream file(path);
  const char* names[] = {"qed", "sa", "logp", "tpsa"};
  int64_t read = 0;
  const auto golden = golden_molecules();
  for (const auto& row : golden["zinc"]) {
    std::string smiles;
    if (!(file >> smiles)) break;
    CAPTURE(smiles);
    const auto molecule = Molecule::parse(smiles);
    for (size_t i = 0; i < 4; ++i) {
      CHECK_CLOSE(molecule.property(names[i]), row[i].get<double>(), kNineDecimals);
    }
    ++read;
  }
  CHECK_EQ(read, 1000);
}

TEST_CASE("fragments join where syntheses join") {
  if (!has_chemistry()) return;
  // An ester, cut on both sides of its oxygen's carbonyl as BRICS rules 1-3 say.
  const auto pieces = Molecule::parse("CC(=O)OCc1ccccc1").fragments();
  const std::vector<std::string> expected = {"[1*]C(C)=O", "[3*]O[3*]", "[4*]C[8*]",
                                             "[16*]c1ccccc1"};
  CHECK_EQ(pieces.size(), expected.size());
  for (const auto& piece : expected) {
    CAPTURE(piece);
    CHECK_EQ(std::count(pieces.begin(), pieces.end(), piece), 1);
  }
}

TEST_CASE("a picture of molecules is one SVG with a tile for each, also for what is none") {
  if (!has_chemistry()) return;
  const auto svg = molecules_svg({"CCO", "no molecule <", "c1ccccc1"}, {"first"}, 2);
  CHECK(svg.starts_with("<svg"));
  CHECK(svg.find("width=\"520\" height=\"400\"") != std::string::npos);
  CHECK(svg.find("no molecule &lt;") != std::string::npos);
  CHECK(svg.find("bond-0") != std::string::npos);
}

TEST_CASE("a build without RDKit names the package to install") {
  if (has_chemistry()) return;
  CHECK_THROWS_WITH_AS(
      Molecule::read("C"),
      "[molecules] this build has no RDKit; install librdkit-dev and libboost-dev and build again",
      Error);
}

}  // namespace
}  // namespace elbo

#include "elbo/chem/molecule.h"
#include "elbo/core/error.h"

namespace elbo {

struct MoleculeData {};

namespace {

[[noreturn]] void no_chemistry() {
  fail("[molecules] this build has no RDKit; install librdkit-dev and libboost-dev and build again");
}

}  // namespace

bool has_chemistry() { return false; }
std::optional<Molecule> Molecule::read(const std::string&) { no_chemistry(); }
Molecule Molecule::parse(const std::string&) { no_chemistry(); }
std::string Molecule::smiles() const { no_chemistry(); }
std::string Molecule::scaffold() const { no_chemistry(); }
std::vector<std::string> Molecule::fragments() const { no_chemistry(); }
Fingerprint Molecule::fingerprint() const { no_chemistry(); }
double Molecule::property(const std::string&) const { no_chemistry(); }
std::string Molecule::svg(int, int, const std::string&) const { no_chemistry(); }

}  // namespace elbo

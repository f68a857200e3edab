#pragma once

#include <GraphMol/GraphMol.h>

#include <memory>
#include <string>
#include <vector>

#include "elbo/chem/molecule.h"

// For the files rdkit_*.cpp alone: others see no RDKit.

namespace elbo {

struct MoleculeData {
  std::shared_ptr<const RDKit::ROMol> molecule;
};

double drug_likeness(const RDKit::ROMol& molecule);
double synthetic_accessibility(const RDKit::ROMol& molecule);

}  // namespace elbo

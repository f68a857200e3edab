#include <DataStructs/ExplicitBitVect.h>
#include <GraphMol/ChemTransforms/ChemTransforms.h>
#include <GraphMol/ChemTransforms/MolFragmenter.h>
#include <GraphMol/Depictor/RDDepictor.h>
#include <GraphMol/Descriptors/MolDescriptors.h>
#include <GraphMol/Fingerprints/MorganFingerprints.h>
#include <GraphMol/MolDraw2D/MolDraw2DSVG.h>
#include <GraphMol/MolDraw2D/MolDraw2DUtils.h>
#include <GraphMol/SmilesParse/SmilesParse.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>
#include <RDGeneral/RDLog.h>

#include <algorithm>
#include <mutex>

#include "elbo/chem/rdkit_data.h"
#include "elbo/core/error.h"

namespace elbo {
namespace {

using RDKit::ROMol;

/// RDKit tells what it dislikes on stderr; our errors say it where they are asked for.
void silence() {
  static std::once_flag once;
  std::call_once(once, [] { boost::logging::disable_logs("rdApp.*"); });
}

/// Null, with the reason, where the text is no valid molecule.
std::shared_ptr<const ROMol> read_molecule(const std::string& smiles, std::string& reason) {
  silence();
  RDKit::SmilesParserParams params;
  params.allowCXSMILES = params.parseName = false;
  reason = "no SMILES";
  try {
    std::shared_ptr<const ROMol> molecule(RDKit::SmilesToMol(smiles, params));
    if (molecule && molecule->getNumAtoms() > 0) return molecule;
    if (molecule) reason = "no atoms";
  } catch (const RDKit::MolSanitizeException& e) {
    reason = e.what();
  } catch (const RDKit::SmilesParseException& e) {
    reason = e.what();
  } catch (const std::exception& e) {
    reason = e.what();
  }
  return nullptr;
}

std::vector<std::string> split_dots(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    const auto dot = std::min(text.find('.', at), text.size());
    if (dot > at) parts.push_back(text.substr(at, dot - at));
    at = dot + 1;
  }
  return parts;
}

}  // namespace

bool has_chemistry() { return true; }

std::optional<Molecule> Molecule::read(const std::string& smiles) {
  std::string reason;
  auto molecule = read_molecule(smiles, reason);
  if (!molecule) return std::nullopt;
  return Molecule(std::make_shared<MoleculeData>(MoleculeData{std::move(molecule)}));
}

Molecule Molecule::parse(const std::string& smiles) {
  std::string reason;
  auto molecule = read_molecule(smiles, reason);
  check(molecule != nullptr, "[molecule] \"", smiles, "\": ", reason);
  return Molecule(std::make_shared<MoleculeData>(MoleculeData{std::move(molecule)}));
}

std::string Molecule::smiles() const { return RDKit::MolToSmiles(*data_->molecule); }

std::string Molecule::scaffold() const {
  const std::unique_ptr<ROMol> core(RDKit::MurckoDecompose(*data_->molecule));
  return core && core->getNumAtoms() > 0 ? RDKit::MolToSmiles(*core) : std::string();
}

std::vector<std::string> Molecule::fragments() const {
  const std::unique_ptr<ROMol> pieces(RDKit::MolFragmenter::fragmentOnBRICSBonds(*data_->molecule));
  return split_dots(RDKit::MolToSmiles(*pieces));
}

Fingerprint Molecule::fingerprint() const {
  constexpr unsigned kRadius = 2, kBits = 2048;
  const std::unique_ptr<ExplicitBitVect> bits(
      RDKit::MorganFingerprints::getFingerprintAsBitVect(*data_->molecule, kRadius, kBits));
  Fingerprint words(kBits / 64);
  IntVect on;
  bits->getOnBits(on);
  for (const int bit : on) words[bit / 64] |= uint64_t{1} << (bit % 64);
  return words;
}

double Molecule::property(const std::string& name) const {
  namespace d = RDKit::Descriptors;
  const auto& m = *data_->molecule;
  if (name == "qed") return drug_likeness(m);
  if (name == "sa") return synthetic_accessibility(m);
  if (name == "tpsa") return d::calcTPSA(m);
  if (name == "weight") return d::calcAMW(m);
  if (name == "rings") return d::calcNumRings(m);
  if (name == "donors") return d::calcNumHBD(m);
  if (name == "acceptors") return d::calcNumHBA(m);
  if (name == "rotatable") return d::calcNumRotatableBonds(m, d::Strict);
  check(name == "logp", "[molecule] unknown property \"", name, "\"");
  double logp = 0, refractivity = 0;
  d::calcCrippenDescriptors(m, logp, refractivity);
  return logp;
}

std::string Molecule::svg(int width, int height, const std::string& legend) const {
  RDKit::MolDraw2DSVG drawing(width, height);
  RDKit::MolDraw2DUtils::prepareAndDrawMolecule(drawing, *data_->molecule, legend);
  drawing.finishDrawing();
  return drawing.getDrawingText();
}

}  // namespace elbo

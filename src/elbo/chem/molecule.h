#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// What RDKit knows about molecules. A build without it has these functions, too: all but
// has_chemistry() raise an Error that names the package to install.

namespace elbo {

/// Whether this build has RDKit.
bool has_chemistry();

/// Bits of a circular fingerprint.
using Fingerprint = std::vector<uint64_t>;
/// Common bits by bits of either; 1 for two without any.
double tanimoto(const Fingerprint& a, const Fingerprint& b);

struct MoleculeData;

/// A molecule that passed RDKit's checks: valences, aromatic rings; at least one atom.
class Molecule {
 public:
  /// Empty where the text is no valid molecule.
  static std::optional<Molecule> read(const std::string& smiles);
  /// The same, but an Error tells what is wrong.
  static Molecule parse(const std::string& smiles);

  /// Canonical.
  std::string smiles() const;
  /// Rings and what ties them together (Bemis & Murcko 1996), canonical; empty without rings.
  std::string scaffold() const;
  /// Pieces at bonds that syntheses make (BRICS, Degen et al. 2008), canonical.
  std::vector<std::string> fragments() const;
  /// Morgan's, of radius 2 and 2048 bits.
  Fingerprint fingerprint() const;
  /// One of property_names().
  double property(const std::string& name) const;
  /// A picture of so many pixels with a line of text below.
  std::string svg(int width, int height, const std::string& legend = "") const;

 private:
  explicit Molecule(std::shared_ptr<const MoleculeData> data) : data_(std::move(data)) {}
  std::shared_ptr<const MoleculeData> data_;
};

/// qed (Bickerton et al. 2012), sa (Ertl & Schuffenhauer 2009), logp, tpsa, weight, rings, donors,
/// acceptors, rotatable. The help of each stands beside its name.
struct PropertyHelp {
  std::string name, about;
};
const std::vector<PropertyHelp>& molecule_properties();
bool is_molecule_property(const std::string& name);

/// Pictures side by side; what is no molecule stays an empty tile with its text.
std::string molecules_svg(const std::vector<std::string>& smiles,
                          const std::vector<std::string>& legends, int64_t columns);

}  // namespace elbo

#include "elbo/chem/molecule.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "elbo/core/text.h"

namespace elbo {
namespace {

constexpr int kTileWidth = 260, kTileHeight = 200;

/// The picture without the lines that make it a document of its own.
std::string inner_svg(const std::string& document) {
  const auto begin = document.find("<svg");
  return begin == std::string::npos ? std::string() : document.substr(begin);
}

std::string empty_tile(const std::string& text) {
  return "<text x=\"8\" y=\"24\" font-size=\"12\" font-family=\"monospace\" fill=\"#a33\">" +
         html_escape(text.substr(0, 34)) + "</text>";
}

}  // namespace

double tanimoto(const Fingerprint& a, const Fingerprint& b) {
  int both = 0, either = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    both += std::popcount(a[i] & b[i]);
    either += std::popcount(a[i] | b[i]);
  }
  return either == 0 ? 1 : static_cast<double>(both) / either;
}

const std::vector<PropertyHelp>& molecule_properties() {
  static const std::vector<PropertyHelp> all = {
      {"qed", "drug-likeness, 0 to 1 (Bickerton et al. 2012)"},
      {"sa", "difficulty of synthesis, 1 to 10 (Ertl & Schuffenhauer 2009)"},
      {"logp", "octanol-water partition (Wildman & Crippen 1999)"},
      {"tpsa", "polar surface in square angstroms (Ertl et al. 2000)"},
      {"weight", "molecular weight in daltons"},
      {"rings", "rings"},
      {"donors", "hydrogen bond donors"},
      {"acceptors", "hydrogen bond acceptors"},
      {"rotatable", "rotatable bonds"}};
  return all;
}

bool is_molecule_property(const std::string& name) {
  const auto& all = molecule_properties();
  return std::any_of(all.begin(), all.end(), [&](const auto& p) { return p.name == name; });
}

std::string molecules_svg(const std::vector<std::string>& smiles,
                          const std::vector<std::string>& legends, int64_t columns) {
  const auto n = static_cast<int64_t>(smiles.size());
  if (columns <= 0) columns = std::max<int64_t>(1, std::lround(std::ceil(std::sqrt(n))));
  columns = std::max<int64_t>(1, std::min(columns, n));
  const int64_t lines = (n + columns - 1) / columns;
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" +
                    std::to_string(columns * kTileWidth) + "\" height=\"" +
                    std::to_string(lines * kTileHeight) + "\">\n";
  for (int64_t i = 0; i < n; ++i) {
    const auto molecule = Molecule::read(smiles[i]);
    out += "<g transform=\"translate(" + std::to_string(i % columns * kTileWidth) + "," +
           std::to_string(i / columns * kTileHeight) + ")\">";
    const auto legend = static_cast<size_t>(i) < legends.size() ? legends[i] : "";
    out += molecule ? inner_svg(molecule->svg(kTileWidth, kTileHeight, legend))
                    : empty_tile(smiles[i]);
    out += "</g>\n";
  }
  return out + "</svg>\n";
}

}  // namespace elbo

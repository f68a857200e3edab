#include "elbo/tasks/report_molecules.h"

#include "elbo/chem/molecule.h"
#include "elbo/core/text.h"
#include "elbo/io/base64.h"
#include "elbo/tasks/report_rows.h"

namespace elbo {
namespace {

constexpr int64_t kAcross = 4;

class MoleculeSections : public RowSections {
 public:
  MoleculeSections(Reported& r, MoleculeView view) : RowSections(r), view_(std::move(view)) {}

  std::string samples() override {
    constexpr int64_t kMolecules = 24;
    return figure(s_.samples().slice(0, 0, kMolecules), "Draws of p(x|z) for draws of z.");
  }

  std::string reconstructions() override {
    constexpr int64_t kMolecules = 12;
    const auto pairs = torch::stack({s_.batch().x, s_.reconstructions()}, 1).flatten(0, 1);
    return figure(pairs.slice(0, 0, 2 * kMolecules),
                  "Pairs: a molecule of the data, and the one decoded from its posterior mean.");
  }

  std::string interpolations() override {
    constexpr int64_t kPlaces = 8;
    torch::NoGradGuard no_gradient;
    RandomScope scope(static_cast<uint64_t>(s_.options().seed));
    return figure(way(0, kPlaces), "Line by line from the code of one row to that of the next.");
  }

 private:
  /// Drawn side by side, or their SMILES where the build cannot draw.
  std::string figure(const Tensor& x, const std::string& caption) const {
    const auto smiles = view_.texts(x);
    std::string inside;
    if (has_chemistry()) {
      const auto svg = molecules_svg(smiles, {}, kAcross);
      inside = "<img alt=\"" + html_escape(caption) + "\" src=\"data:image/svg+xml;base64," +
               base64(svg) + "\">";
    } else {
      inside = "<pre>" + html_escape(join(smiles, "\n")) + "</pre>";
    }
    return "<figure>" + inside + "<figcaption>" + html_escape(caption) + "</figcaption></figure>";
  }

  MoleculeView view_;
};

}  // namespace

std::string molecule_image(const std::string& smiles) {
  if (!has_chemistry()) return "";
  return "data:image/svg+xml;base64," + base64(molecules_svg({smiles}, {smiles}, 1));
}

std::unique_ptr<RowSections> sections_of(Reported& r, const MoleculeView& view) {
  return std::make_unique<MoleculeSections>(r, view);
}

}  // namespace elbo

#include "elbo/tasks/report_molecules.h"

#include "elbo/chem/molecule.h"
#include "elbo/data/molecules.h"
#include "elbo/data/tokenizer.h"
#include "elbo/io/base64.h"
#include "elbo/tasks/chart.h"

namespace elbo {

std::string molecule_figure(const Tensor& x, const Schema& schema, int64_t columns,
                            const std::string& caption) {
  const auto smiles = texts_of(schema, x);
  std::string inside;
  if (has_chemistry()) {
    const auto svg = molecules_svg(smiles, {}, columns);
    inside = "<img alt=\"" + html_escape(caption) + "\" src=\"data:image/svg+xml;base64," +
             base64(svg) + "\">";
  } else {
    inside = "<pre>" + html_escape(join(smiles, "\n")) + "</pre>";
  }
  return "<figure>" + inside + "<figcaption>" + html_escape(caption) + "</figcaption></figure>";
}

std::string molecule_image(const std::string& smiles) {
  if (!has_chemistry()) return "";
  return "data:image/svg+xml;base64," + base64(molecules_svg({smiles}, {smiles}, 1));
}

}  // namespace elbo

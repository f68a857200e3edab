#include "elbo/tasks/molecule_search.h"

#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "elbo/chem/molecule.h"
#include "elbo/data/molecules.h"
#include "elbo/data/tokenizer.h"
#include "elbo/distributions/decoding.h"

namespace elbo {
namespace {

Tensor lengths(const Tensor& x) { return x.norm(2, 1, true).clamp_min(1e-12); }  // [N, 1]

/// [draws, N, T] ids: the likeliest row, then draws.
Tensor decoded_rows(Model& model, const CodeLayout& layout, const Tensor& codes,
                    const SearchPlan& plan) {
  const auto p = decode_codes(model, layout, codes, Tensor());
  std::vector<Tensor> rows{p->mean()};
  const auto* decodable = dynamic_cast<const Decodable*>(p.get());
  for (int64_t i = 1; i < plan.draws; ++i) {
    Decoding how;
    how.temperature = plan.temperature;
    rows.push_back(decodable ? decodable->decode(how) : p->sample());
  }
  return torch::stack(rows);
}

}  // namespace

Tensor predicted_properties(Model& model, const CodeLayout& layout, const Tensor& codes) {
  const auto code = model.latent->generate(codes.size(0), Tensor(), as_sites(layout, codes)).code;
  return (*model.predictor)(code)->mean();
}

Tensor climb(Model& model, const CodeLayout& layout, const Tensor& codes, const SearchPlan& plan) {
  torch::AutoGradMode with_gradient(true);
  const auto start = codes.detach();
  const double farthest = plan.distance * std::sqrt(static_cast<double>(codes.size(1)));
  // Twice the way to the border, so that the last steps search along it.
  const double stride = 2 * farthest / static_cast<double>(plan.steps);
  auto z = start.clone();
  std::vector<Tensor> way;
  for (int64_t step = 1; step <= plan.steps; ++step) {
    z = z.detach().requires_grad_(true);
    const auto value = predicted_properties(model, layout, z).select(1, plan.property);
    const auto slope = torch::autograd::grad({plan.sign * value.sum()}, {z})[0];
    const auto moved = z.detach() + stride * slope / lengths(slope) - start;
    z = start + moved * (farthest / lengths(moved)).clamp_max(1);
    if (step * plan.stops / plan.steps > static_cast<int64_t>(way.size())) way.push_back(z);
  }
  return torch::stack(way);
}

void find_on_way(Model& model, const CodeLayout& layout, const Schema& x, const Tensor& way,
                 const std::string& start, const std::string& name, double similarity,
                 const SearchPlan& plan, FoundMolecules& found) {
  torch::NoGradGuard no_gradient;
  const auto origin = Molecule::parse(start);
  const auto print = origin.fingerprint();
  const auto rows = decoded_rows(model, layout, way, plan);  // [draws, stops, T]
  const auto predicted =
      predicted_properties(model, layout, way).select(1, plan.property).contiguous();
  for (int64_t i = 0; i < rows.size(0); ++i) {
    const auto texts = texts_of(x, rows[i]);
    for (size_t stop = 0; stop < texts.size(); ++stop) {
      const auto molecule = Molecule::read(texts[stop]);
      // A dot parts a salt, or fragments that nobody asked for.
      if (!molecule || texts[stop].find('.') != std::string::npos) continue;
      const auto canonical = molecule->smiles();
      const double like = tanimoto(print, molecule->fingerprint());
      if (canonical == origin.smiles() || like < similarity || found.count(canonical)) continue;
      const double known = is_molecule_property(name) ? molecule->property(name)
                                                      : std::numeric_limits<double>::quiet_NaN();
      found[canonical] = {canonical, predicted[static_cast<int64_t>(stop)].item<double>(), known,
                          like};
    }
  }
}

std::vector<FoundMolecule> best_first(const FoundMolecules& found, const SearchPlan& plan) {
  std::vector<FoundMolecule> list;
  for (const auto& [smiles, molecule] : found) list.push_back(molecule);
  const auto worth = [&](const FoundMolecule& m) {
    return plan.sign * (std::isnan(m.known) ? m.predicted : m.known);
  };
  std::stable_sort(list.begin(), list.end(),
                   [&](const auto& a, const auto& b) { return worth(a) > worth(b); });
  return list;
}

}  // namespace elbo

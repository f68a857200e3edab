#pragma once

#include <map>
#include <string>
#include <vector>

#include "elbo/model/codes.h"

namespace elbo {

/// How codes are moved towards more (or less) of a predicted property.
struct SearchPlan {
  int64_t property = 0;  // its place among those that the model predicts
  double sign = 1;       // -1: less of it
  int64_t steps = 40;
  double distance = 0.5;  // farthest from the start, root mean square over dimensions
  int64_t stops = 8;      // places on the way where codes are decoded
  int64_t draws = 8;      // molecules drawn at each, the likeliest one first
  double temperature = 1;
};

/// [stops, N, size] places on the way up the gradient of the prediction, within the distance of
/// the codes [N, size].
Tensor climb(Model& model, const CodeLayout& layout, const Tensor& codes, const SearchPlan& plan);
/// [N, k] what the model predicts of codes; carries gradients.
Tensor predicted_properties(Model& model, const CodeLayout& layout, const Tensor& codes);

/// A molecule that was found, beside where it came from.
struct FoundMolecule {
  std::string smiles;  // canonical
  double predicted = 0, known = 0, similarity = 0;
};
using FoundMolecules = std::map<std::string, FoundMolecule>;  // by canonical SMILES

/// Adds different valid molecules other than the start among those that the codes `way` [stops,
/// size] decode to, those below the similarity left out. Where `name` cannot be computed `known`
/// is NaN.
void find_on_way(Model& model, const CodeLayout& layout, const Schema& x, const Tensor& way,
                 const std::string& start, const std::string& name, double similarity,
                 const SearchPlan& plan, FoundMolecules& found);
/// Those with most of `known` first; where it is NaN the predicted value counts.
std::vector<FoundMolecule> best_first(const FoundMolecules& found, const SearchPlan& plan);

}  // namespace elbo

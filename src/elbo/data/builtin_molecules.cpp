#include <algorithm>
#include <array>
#include <cmath>

#include "elbo/chem/smiles.h"
#include "elbo/data/builtin.h"
#include "elbo/data/molecules.h"
#include "elbo/data/open.h"
#include "elbo/data/reader.h"
#include "elbo/data/tokenizer.h"

namespace elbo {
namespace {

constexpr std::array kHeads = {"", "C", "CC", "CCC", "CO", "NCC", "CC(C)", "O=C(O)C"};
/// Rings with a place for another group.
constexpr std::array kRings = {"c1ccc(@)cc1", "c1cccc(@)c1", "C1CCN(@)CC1", "c1ccnc(@)c1",
                               "c1csc(@)c1",  "C1CC(@)OC1",  "C1CCC(@)C1",  "c1nn(@)cc1"};
constexpr std::array kLinks = {"", "C", "CC", "OC", "NC", "SC"};
constexpr std::array kEnds = {"F", "Cl", "O", "N", "C#N", "C(F)(F)F", "C(=O)O", "c2ccccc2"};

/// One of each list, all equally likely and independent: no two choices spell the same molecule.
std::string spell(uint64_t stream, uint64_t at) {
  const auto pick = [&](const auto& list, uint64_t draw) {
    return std::string(list[static_cast<size_t>(uniform_at(stream, 4 * at + draw) *
                                                static_cast<double>(list.size()))]);
  };
  auto ring = pick(kRings, 1);
  return pick(kHeads, 0) + ring.replace(ring.find('@'), 1, pick(kLinks, 2) + pick(kEnds, 3));
}

float carbons_of(const std::string& smiles) {
  const auto molecule = parse_smiles(smiles);
  return static_cast<float>(std::count_if(molecule.atoms.begin(), molecule.atoms.end(),
                                          [](const Atom& atom) { return atom.element == "C"; }));
}

Data make_molecules(const MadePart& part, const Schema* like) {
  std::vector<std::string> smiles;
  Arrays rest;
  rest.target = torch::empty({part.rows, 1});
  for (int64_t r = 0; r < part.rows; ++r) {
    smiles.push_back(spell(part.stream, static_cast<uint64_t>(r)));
    rest.target.data_ptr<float>()[r] = carbons_of(smiles.back());
  }
  rest.schemas.target = property_schema(rest.target, {"carbons"});
  TokenPlan plan;
  plan.tokens = "smiles";
  return token_data(smiles, plan, std::move(rest), like);
}

/// What any part reads its rows by: vocabulary and lengths of all molecules that can be spelled.
Schema full_schema() {
  constexpr int64_t kEnough = 20000;  // of some 3,000 different ones
  auto schema =
      make_molecules({"schema", kEnough, Draw{}.key("molecules schema")}, nullptr)->schemas().x;
  schema.detail["entropy"] =
      std::log(static_cast<double>(kHeads.size() * kRings.size() * kLinks.size() * kEnds.size()));
  return schema;
}

const bool builtin_molecules_added = builtins().add<NoOptions>(
    "molecules", "small molecules with their number of carbons; the entropy is known",
    [](const DataOptions& options, const NoOptions&) {
      refuse_resize(options, "builtin:molecules");
      static const Schema schema = full_schema();
      return make_parts("molecules", options, 4000, 1000,
                        [](const MadePart& part) { return make_molecules(part, &schema); });
    });

}  // namespace
}  // namespace elbo

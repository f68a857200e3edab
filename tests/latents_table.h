#pragma once

#include <string>
#include <vector>

#include "elbo/model/spec.h"

namespace elbo {

/// A latent to be tested: its declaration, on a row of bits, as numbers or as columns of a table
/// where the likelihood wants these, or on a small picture.
struct LatentCase {
  std::string name;
  Json latent;
  bool picture = false;
  Json decoder = nullptr;     // where it needs one of its own
  bool conditional = true;    // whether it takes a condition
  Json likelihood = nullptr;  // where it needs one of its own, of a table
};

inline Json small_mlp() { return {{"type", "mlp"}, {"hidden", {16}}, {"activation", "silu"}}; }

/// At least one for each registered latent: one that is not named here is tested as it comes.
inline std::vector<LatentCase> latent_cases() {
  const Json flat{{"type", "flat"}, {"size", 3}};
  const Json book{{"type", "quantized"}, {"codes", 6}, {"size", 3}, {"positions", 2}};
  const Json labelled{
      {"type", "labelled"}, {"size", 2}, {"classes", 3}, {"features", 8}, {"joint", small_mlp()}};
  const Json rungs{{"type", "ladder"}, {"sizes", {3, 2, 2}}, {"widths", {12, 12, 8}}};
  const auto with = [](Json declaration, const Json& patch) {
    declaration.merge_patch(patch);
    return declaration;
  };
  std::vector<LatentCase> cases{
      {"flat", flat},
      {"flat, a small picture", {{"type", "flat"}, {"shape", {2, 3, 2}}}, true},
      {"codebook", book},
      {"codebook by averages", with(book, {{"update", "ema"}})},
      {"residual codebooks", with(book, {{"stages", 2}})},
      {"levels", with(book, {{"method", "levels"}, {"levels", {3, 4}}})},
      {"signs", with(book, {{"method", "signs"}, {"bits", 3}})},
      {"codebook on a grid", with(book, {{"positions", 0}, {"grid", {2, 2}}}), true},
      {"residual codebooks on a grid",
       with(book, {{"positions", 0}, {"grid", {2, 2}}, {"stages", 2}}), true},
      {"ladder", rungs},
      {"ladder of draws alone", with(rungs, {{"skip", false}, {"inference", "precision"}})},
      {"ladder, gated, normalised", with(rungs, {{"activation", "gated"}, {"norm", "layer"}})},
      {"ladder of free posteriors", with(rungs, {{"inference", "free"}, {"depth", 2}})},
      {"ladder on grids",
       {{"type", "ladder"},
        {"sizes", {1, 2, 2, 3}},
        {"widths", {4, 6, 6, 8}},
        {"strides", {1, 2, 2, 0}}},
       true},
      {"ladder with a grid at the top",
       {{"type", "ladder"}, {"sizes", {1, 2}}, {"widths", {4, 6}}, {"strides", {1, 2}}},
       true},
      {"labelled", labelled},
      {"labelled, clusters", with(labelled, {{"labels", false},
                                             {"components", "per_class"},
                                             {"learned_classes", true},
                                             {"decode_class", false}})},
      {"labelled, auxiliary", with(labelled, {{"auxiliary", 2}})},
      {"labelled, auxiliary outside the decoder",
       with(labelled, {{"auxiliary", 2}, {"decode_auxiliary", false}})},
      {"labelled, stacked on a code",
       with(labelled, {{"auxiliary", 2}, {"decode_class", false}, {"decode_z", false}})},
      {"hamiltonian", {{"type", "hamiltonian"}, {"size", 3}, {"leaps", 2}}},
      {"sequential", {{"type", "sequential"}, {"size", 2}, {"features", 8}, {"memory", 8}}},
      {"tree", {{"type", "tree"}, {"classes", 3}}, false, {{"type", "blocks"}}, false},
      {"chain",
       {{"type", "chain"}, {"hidden", 8}},
       false,
       {{"type", "identity"}},
       false,
       {{"type", "given_states"}}},
      {"product", {{"type", "product"}, {"parts", {flat, book}}}},
      {"product of grids",
       {{"type", "product"},
        {"parts",
         {with(book, {{"positions", 0}, {"grid", {2, 2}}}),
          {{"type", "ladder"}, {"sizes", {2}}, {"widths", {4}}, {"strides", {2}}}}}},
       true},
  };
  for (const auto& entry : latents().entries()) {
    const bool known = std::any_of(cases.begin(), cases.end(), [&](const LatentCase& one) {
      return one.latent["type"] == entry.name;
    });
    if (!known) cases.push_back({entry.name, {{"type", entry.name}}});
  }
  return cases;
}

/// A whole model around a latent, with small networks.
inline Json small_spec(const Json& latent, const Json& decoder = nullptr,
                       const Json& likelihood = nullptr) {
  Json spec = default_spec();
  spec["latent"] = latent;
  spec["encoder"] = small_mlp();
  spec["decoder"] = decoder.is_null() ? small_mlp() : decoder;
  if (!likelihood.is_null()) spec["likelihood"] = likelihood;
  return spec;
}

}  // namespace elbo

#include "elbo/chem/molecule.h"
#include "elbo/data/molecules.h"
#include "elbo/data/open.h"
#include "elbo/eval/molecule_set.h"
#include "elbo/eval/prediction.h"
#include "elbo/tasks/molecule_search.h"
#include "files.h"
#include "near.h"
#include "tolerance.h"
#include "toy.h"

namespace elbo {
namespace {

TEST_CASE("samples of molecules are counted as valid, unique and novel") {
  if (!has_chemistry()) return;
  // Two of five are the same molecule, one is none, one is in the training set.
  const std::vector<std::string> made = {"OCC", "CCO", "C(", "c1ccccc1", "CCN"};
  const auto figures = compare_molecules(made, {"NCC"}, {"CCO", "c1ccccc1C"});
  CHECK_CLOSE(figures["validity"].get<double>(), 4.0 / 5, kGoldenDouble);
  CHECK_CLOSE(figures["uniqueness"].get<double>(), 3.0 / 4, kGoldenDouble);
  CHECK_CLOSE(figures["novelty"].get<double>(), 2.0 / 3, kGoldenDouble);
  // Scaffolds: {none: 3, benzene: 1} against {none: 1, benzene: 1}.
  CHECK_CLOSE(figures["scaffold_similarity"].get<double>(), 4 / std::sqrt(10.0 * 2), kGoldenDouble);
}

TEST_CASE("diversity is one minus the mean similarity of pairs") {
  if (!has_chemistry()) return;
  const auto print = [](const char* s) { return Molecule::parse(s).fingerprint(); };
  const double ab = tanimoto(print("CCO"), print("CCN")), ac = tanimoto(print("CCO"), print("CCC")),
               bc = tanimoto(print("CCN"), print("CCC"));
  CHECK_CLOSE(internal_diversity({"CCO", "CCN", "CCC"}), 1 - (ab + ac + bc) / 3, kGoldenDouble);
  CHECK_CLOSE(internal_diversity({"CCO", "OCC"}), 0, kGoldenDouble);
  CHECK_CLOSE(internal_diversity({"CCO", "C(", "OCC"}), 0, kGoldenDouble);
  CHECK_CLOSE(cosine({{"a", 3}, {"b", 4}}, {{"b", 2}}), 0.8, kGoldenDouble);
}

TEST_CASE("what comes back is compared as text and as molecule") {
  if (!has_chemistry()) return;
  const auto figures =
      compare_reconstructions({"CCO", "CCO", "CCO", "CCO"}, {"CCO", "OCC", "CC(", "CCN"});
  CHECK_CLOSE(figures["exact_text"].get<double>(), 0.25, kGoldenDouble);
  CHECK_CLOSE(figures["exact_molecule"].get<double>(), 0.5, kGoldenDouble);
  CHECK_CLOSE(figures["validity"].get<double>(), 0.75, kGoldenDouble);
}

Data own_molecules(const std::string& split, int64_t rows) {
  DataOptions options;
  options.split = split;
  options.rows = rows;
  return open_data("builtin:molecules", options);
}

/// Reads the letters of a molecule with one layer: trained in seconds.
Json molecule_spec() {
  return toy_spec({{"latent", {{"size", 8}}},
                   {"encoder", {{"type", "gru"}, {"hidden", 48}, {"activation", nullptr}}},
                   {"likelihood",
                    {{"type", "autoregressive"},
                     {"scale", nullptr},
                     {"embedding", 16},
                     {"net", {{"type", "gru"}, {"hidden", 48}}}}},
                   {"objective", {{"beta", 0.1}}},
                   {"property", {{"weight", 3}}}});
}

TEST_CASE("a property is learned beside the molecules, and unknown values cost nothing") {
  torch::manual_seed(0);
  Toy toy(molecule_spec(), own_molecules("train", 1500));
  toy.train(250, 0.01);
  const auto table = judge_predictions(*toy.model, *own_molecules("test", 300), 0);
  REQUIRE_EQ(table.size(), 1);
  CHECK_EQ(table[0]["name"], "carbons");
  // The number of carbons lies between 4 and 20; most of it is in the length of the text.
  CHECK_GT(table[0]["correlation"].get<double>(), 0.8);

  auto batch = toy.data->get(torch::arange(4));
  const auto code = toy.model->latent->infer(batch, 0).code;
  const auto full = toy.model->predictor->cost(code, batch.target);
  batch.target[1][0] = NAN;
  const auto partial = toy.model->predictor->cost(code, batch.target);
  CHECK_EQ(partial[1].item<float>(), 0);
  CHECK(torch::equal(partial[2], full[2]));

  SUBCASE("climbing raises the prediction and keeps within the distance") {
    const auto layout = code_layout(*toy.model, toy.data->schemas());
    const auto start = encode_batch(*toy.model, layout, toy.data->get(torch::arange(6))).mean;
    for (const double sign : {1.0, -1.0}) {
      SearchPlan plan;
      plan.sign = sign;
      plan.distance = 0.4;
      const auto way = climb(*toy.model, layout, start, plan);
      CHECK_EQ(way.sizes(), torch::IntArrayRef({8, 6, 8}));
      const auto before = predicted_properties(*toy.model, layout, start);
      const auto after = predicted_properties(*toy.model, layout, way[7]);
      CHECK((sign * (after - before) > 0).all().item<bool>());
      const auto far = (way - start).square().mean(2).sqrt().max().item<double>();
      CHECK_LE(far, 0.4 + kFloatSums);
      CHECK_GT(far, 0.39);
    }
  }
}

TEST_CASE("a part \"property\" without anything to predict is refused") {
  Arrays arrays;
  arrays.x = torch::zeros({4, 6});
  arrays.schemas.x = {{6}, Kind::kReal, Json::object()};
  const auto spec = toy_spec({{"property", {{"weight", 2}}}});
  CHECK(error_of([&] {
          resolve(spec, in_memory(arrays)->schemas());
        }).find("name one with --property") != std::string::npos);
}

}  // namespace
}  // namespace elbo

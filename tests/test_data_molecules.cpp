#include <set>

#include "elbo/chem/molecule.h"
#include "elbo/data/molecules.h"
#include "elbo/data/open.h"
#include "elbo/data/row_view.h"
#include "elbo/data/tokenizer.h"
#include "files.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

Data open_molecules(const std::string& path, const Json& reader = Json::object()) {
  DataOptions options;
  options.reader = reader;
  return open_data("molecules:" + path, options);
}

std::vector<std::string> all_smiles(const Dataset& data) {
  return texts_of(data.schemas().x, data.get(torch::arange(data.size())).x);
}

const std::string kFile = "c1ccccc1O phenol\nCC(=O)[O-]\tacetate\n\nBrCCCl chain\n";

TEST_CASE("molecules come back from their tokens, of either kind") {
  const TempFolder folder;
  const auto path = folder.file("a.smi", "c1ccccc1O phenol\nCC(=O)[O-] acetate\n\nBrCCCl x\n");
  const std::vector<std::string> expected = {"c1ccccc1O", "CC(=O)[O-]", "BrCCCl"};
  const auto smiles = open_molecules(path);
  CHECK_EQ(all_smiles(*smiles), expected);
  CHECK_EQ(smiles->row_name(2), "line 4");
  CHECK(MoleculeView::shows(smiles->schemas().x));
  // Atoms and bonds, not letters: Br and [O-] are one token each.
  CHECK_EQ(smiles->schemas().x.shape, Shape{10});
  CHECK_EQ(smiles->get(torch::tensor({2})).mask.sum().item<float>(), 5);

  const auto selfies = open_molecules(path, {{"tokens", "selfies"}});
  const std::vector<std::string> kekule = {"C1=CC=CC=C1O", "CC(=O)[O-]", "BrCCCl"};
  CHECK_EQ(all_smiles(*selfies), kekule);
}

TEST_CASE("a molecule that cannot be read is named by its line, or left out and counted") {
  const TempFolder folder;
  const auto path = folder.file("bad.smi", "CCO\nC1CC\nCC(C)(C)(C)C\nCO\n");
  CHECK(error_of([&] { open_molecules(path); }).find("line 2: ") != std::string::npos);
  const auto data = open_molecules(path, {{"skip_invalid", true}});
  // Without RDKit nobody counts the bonds of carbon in SMILES.
  const int64_t valid = has_chemistry() ? 2 : 3;
  CHECK_EQ(data->size(), valid);
  CHECK_EQ(data->schemas().x.detail["notes"].size(), 1);
  CHECK_EQ(data->row_name(valid - 1), "line 4");
  const auto none = folder.file("none.smi", "not a molecule\n");
  CHECK(error_of([&] {
          open_molecules(none, {{"skip_invalid", true}});
        }).find("none of 1 lines") != std::string::npos);
  CHECK(error_of([&] { open_molecules(folder.file("empty.smi", "\n")); }).find("no molecules") !=
        std::string::npos);
}

TEST_CASE("properties are columns of the file by name or number, and NaN where a cell is empty") {
  const TempFolder folder;
  const auto path =
      folder.file("p.smi", "smiles\tname\tactivity\nCCO\ta\t1.5\nCCC\tb\t\nCO\tc\t3.5\n");
  for (const char* name : {"activity", "3"}) {
    CAPTURE(name);
    const auto data = open_molecules(path, {{"property", name}});
    const auto target = data->get(torch::arange(3)).target;
    CHECK_CLOSE(target.flatten(), torch::tensor({1.5F, NAN, 3.5F}), kFloatSums);
    const auto schema = data->schemas().target;
    CHECK_CLOSE(schema.detail["loc"][0].get<double>(), 2.5, kGoldenDouble);
    CHECK_CLOSE(schema.detail["scale"][0].get<double>(), 1.0, kGoldenDouble);
  }
  CHECK(error_of([&] {
          open_molecules(path, {{"property", "activty"}});
        }).find("no property \"activty\"; known: ") != std::string::npos);
  CHECK(error_of([&] {
          open_molecules(path, {{"property", "name"}});
        }).find("line 2, column 2") != std::string::npos);
  // A model that knows the property reads files that do not.
  DataOptions options;
  options.reader = {{"property", "activity"}};
  options.like =
      std::make_shared<const Schemas>(open_molecules(path, {{"property", "activity"}})->schemas());
  const auto other = open_data(folder.file("o.smi", "CCC\n"), options);
  CHECK(other->get(torch::tensor({0})).target.isnan().all().item<bool>());
}

TEST_CASE("properties that RDKit computes") {
  const TempFolder folder;
  const auto path = folder.file("q.smi", kFile);
  if (!has_chemistry()) {
    CHECK(error_of([&] {
            open_molecules(path, {{"property", "qed"}});
          }).find("librdkit-dev") != std::string::npos);
    return;
  }
  const auto data =
      open_molecules(folder.file("c.smi", "CCO\nc1ccccc1\n"), {{"property", "logp,qed"}});
  const auto target = data->get(torch::arange(2)).target;
  CHECK_CLOSE(target[0][0].item<double>(), Molecule::parse("CCO").property("logp"), kGoldenFloat);
  CHECK_CLOSE(target[1][1].item<double>(), Molecule::parse("c1ccccc1").property("qed"),
              kGoldenFloat);
  CHECK_EQ(property_names(data->schemas().target), std::vector<std::string>{"logp", "qed"});
}

TEST_CASE("the program's own molecules are valid, and as many as their entropy says") {
  DataOptions options;
  options.rows = 30000;
  const auto data = open_data("builtin:molecules", options);
  const auto schema = data->schemas().x;
  const auto smiles = all_smiles(*data);
  const std::set<std::string> different(smiles.begin(), smiles.end());
  // Each of 3,072 equally likely ones is missing with probability exp(-9.8).
  CHECK_EQ(different.size(), 3072);
  CHECK_CLOSE(schema.detail["entropy"].get<double>(), std::log(3072.0), kGoldenDouble);
  options.rows = 300;
  options.split = "test";
  const auto test = open_data("builtin:molecules", options);
  CHECK_EQ(test->schemas().x.detail["vocabulary"], schema.detail["vocabulary"]);
  for (const auto& one : all_smiles(*test)) {
    CAPTURE(one);
    if (has_chemistry()) CHECK(Molecule::read(one).has_value());
    CHECK(different.count(one) == 1);
  }
}

TEST_CASE("a damaged file of molecules is read or refused") {
  const TempFolder folder;
  const auto refused = fuzz(kFile, 200, [&](const std::string& bytes) {
    open_molecules(folder.file("f.smi", bytes), {{"tokens", "selfies"}});
  });
  CHECK_GT(refused, 50);
}

}  // namespace
}  // namespace elbo

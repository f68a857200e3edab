#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "elbo/data/builtin.h"
#include "elbo/data/open.h"
#include "elbo/io/file.h"
#include "elbo/io/safetensors.h"
#include "elbo/model/codes.h"
#include "export_cases.h"

// Every model of the zoo as other programs see it: files and cases for scripts/check_onnx.sh.

namespace elbo {
namespace {

constexpr int64_t kCaseRows[] = {1, 3, 64};

const std::vector<std::pair<std::string, Data>>& exported_data() {
  static const auto sets = [] {
    std::vector<std::pair<std::string, Data>> list;
    DataOptions options;
    options.rows = 128;
    std::vector<std::string> names{"digits", "census", "telemetry"};
    for (const auto& made : builtins().entries()) {
      if (std::find(names.begin(), names.end(), made.name) == names.end())
        names.push_back(made.name);
    }
    for (const auto& name : names) list.emplace_back(name, open_data("builtin:" + name, options));
    return list;
  }();
  return sets;
}

/// The model at its own sizes, moved off its start so that nothing is zero by design; null where it
/// does not take these data.
std::shared_ptr<Model> fresh_model(const std::string& name, const Data& data) {
  try {
    auto spec = model_spec(name);
    spec.erase("train");
    RandomScope scope(1);
    const auto schemas = data->schemas();
    auto model = build(resolve(spec, schemas), schemas);
    model->eval();
    torch::NoGradGuard no_gradient;
    model->latent->infer(data->get(torch::arange(8)), 1);
    for (auto& p : model->parameters()) p.add_(0.02 * torch::randn_like(p));
    return model;
  } catch (const Error&) {
    return nullptr;
  }
}

std::vector<Tensor> case_inputs(const ModelPart& part, const Data& data, Model& model,
                                const CodeLayout& layout, int64_t rows) {
  const auto batch = data->get(torch::arange(rows));
  std::vector<Tensor> inputs;
  if (part.name == "encoder") inputs.push_back(batch.x);
  if (part.name == "decoder") {
    // Codes that the model itself would draw: some latent spaces are no vector spaces.
    torch::NoGradGuard no_gradient;
    const auto trace = model.latent->generate(rows, batch.c);
    for (size_t i = 0; i < layout.parts.size(); ++i) {
      const auto z = trace.sites[i].value;
      // A prior that has not learned may draw far away, where deviations vanish.
      inputs.push_back(z.is_floating_point() ? z.clamp(-4, 4).clone() : z.clone());
    }
  }
  if (batch.c.defined()) inputs.push_back(batch.c);
  return inputs;
}

void write_cases(const std::filesystem::path& folder, const std::shared_ptr<Model>& model,
                 const Data& data) {
  const auto schemas = data->schemas();
  const auto layout = code_layout(*model, schemas);
  for (const auto& part : model_parts(model, schemas)) {
    CAPTURE(part.name);
    std::filesystem::create_directories(folder);
    ExportedPart exported;
    try {
      exported = export_part(*model, part);
    } catch (const Error& error) {
      MESSAGE(folder.string(), " ", part.name, ": ", std::string(error.what()));
      write_file_atomic((folder / (part.name + ".left_out")).string(), error.what());
      continue;
    }
    write_file_atomic((folder / (part.name + ".onnx")).string(), onnx_file(exported.graph));
    for (const int64_t rows : kCaseRows) {
      const auto inputs = case_inputs(part, data, *model, layout, rows);
      const auto one = run_part(exported, inputs, rows, 7);
      NamedTensors all;
      for (const auto& [name, value] : one.inputs) all.emplace_back("in." + name, value);
      for (const auto& [name, value] : one.outputs) {
        all.emplace_back("out." + name, value.to(torch::kFloat32).contiguous());
      }
      const auto file = part.name + "_" + std::to_string(rows) + ".safetensors";
      save_safetensors((folder / file).string(), all);
    }
  }
}

}  // namespace

TEST_CASE("every model of the zoo is written for another runtime, with what it must compute" *
          doctest::test_suite("onnx") * doctest::skip()) {
  const char* folder = std::getenv("ELBO_ONNX_DIR");
  REQUIRE(folder);
  const char* only = std::getenv("ELBO_ONNX_MODEL");
  for (const auto& entry : zoo()) {
    if (only && (" " + std::string(only) + " ").find(" " + entry.name + " ") == std::string::npos)
      continue;
    CAPTURE(entry.name);
    int64_t taken = 0;
    for (const auto& [name, data] : exported_data()) {
      // The first that a model takes, and a table.
      if (taken > 0 && name != "census") continue;
      const auto model = fresh_model(entry.name, data);
      if (!model) continue;
      ++taken;
      write_cases(std::filesystem::path(folder) / entry.name / name, model, data);
    }
    CHECK(taken > 0);
  }
}

}  // namespace elbo

#include "elbo/cli/run_arguments.h"

namespace elbo {

void add_data_folder(CLI::App& app, std::string& folder) {
  app.add_option("--data-dir", folder, "where relative data paths are also looked for")
      ->type_name("FOLDER");
}

void add_quiet_flag(CLI::App& app, bool& quiet) {
  app.add_flag("-q,--quiet", quiet, "print results and errors only, neither progress nor notes");
}

void use_data_folder(const std::string& folder) {
  if (!folder.empty()) setenv("ELBO_DATA", folder.c_str(), 1);
}

void add_run_arguments(CLI::App& app, RunArguments& a, const std::string& data) {
  app.add_option("RUN", a.run, "run: a folder written by elbo train")->required();
  if (data != "never") {
    const char* about =
        data == "must" ? "data to work on" : "data to work on (default: the run's held-out rows)";
    app.add_option("DATA", a.input.data, about)->required(data == "must");
  }
  add_data_folder(app, a.data_folder);
  add_quiet_flag(app, a.quiet);
  app.add_flag("--json", a.json, "print the result as one JSON object");
  add_sandbox_flag(app, a.no_sandbox);
}

void add_precision(CLI::App& app, RunArguments& a) {
  app.add_option("--precision", a.precision,
                 "numbers that products of dense layers and convolutions take: bf16 needs a "
                 "processor with AVX512-BF16 or AMX (auto = bf16 where it is there)")
      ->type_name("fp32|bf16|auto")
      ->check(CLI::IsMember({"fp32", "bf16", "auto"}))
      ->default_str("fp32");
}

namespace {

/// Copies of the model's weights in bfloat16, from here on for all threads.
std::unique_ptr<Bf16Weights> round_products(const Model& model) {
  std::vector<Tensor> weights;
  for (const auto& p : model.parameters()) {
    const bool dense = p.is_contiguous() && p.scalar_type() == torch::kFloat32 && p.numel() > 0;
    if (dense) weights.push_back(p.detach());
  }
  auto low = std::make_unique<Bf16Weights>(weights);
  Bf16Products::everywhere(low.get());
  return low;
}

}  // namespace

void open_run(RunArguments& a, Confinement also) {
  const auto precision = chosen_precision(a.precision, "run");
  use_data_folder(a.data_folder);
  const auto run = std::make_shared<Run>(Run::open(a.run));
  also.outputs.push_back(a.input.out.string());
  if (!a.no_sandbox) confine({run}, also);
  a.input.model = run->load();
  if (precision == "bf16") a.low = round_products(*a.input.model);
  a.input.run = run;
}

}  // namespace elbo

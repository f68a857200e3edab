#include "elbo/cli/run_arguments.h"

#include <algorithm>
#include <iostream>

#include "elbo/core/text.h"

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

namespace {

namespace fs = std::filesystem;

bool is_run(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path / "spec.json", ignored);
}

/// Folders of runs within a folder, by name.
std::vector<fs::path> runs_within(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> runs;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (is_run(entry.path())) runs.push_back(entry.path());
  }
  std::sort(runs.begin(), runs.end());
  return runs;
}

void say_left_out(const std::string& why, const std::vector<std::string>& paths) {
  constexpr size_t kShown = 3;
  if (paths.empty()) return;
  const size_t shown = std::min(kShown, paths.size());
  std::string text = "note: left out, " + why + ": ";
  text += join({paths.begin(), paths.begin() + static_cast<std::ptrdiff_t>(shown)});
  if (paths.size() > shown) text += " and " + std::to_string(paths.size() - shown) + " more";
  std::cerr << printable(text) << std::endl;
}

}  // namespace

std::vector<std::shared_ptr<const Run>> open_runs(const std::vector<std::string>& paths,
                                                  bool quiet) {
  std::vector<std::shared_ptr<const Run>> runs;
  std::vector<std::string> others, empty;
  const auto add = [&](const fs::path& path) {
    const auto run = std::make_shared<const Run>(Run::open(path));
    if (run->has_weights() || paths.size() == 1) return runs.push_back(run);
    empty.push_back(path.string());
  };
  for (const auto& path : paths) {
    std::error_code ignored;
    const auto within = is_run(path) ? std::vector<fs::path>{path} : runs_within(path);
    if (within.empty() && paths.size() > 1 && fs::exists(path, ignored)) {
      others.push_back(path);
    } else if (within.empty()) {
      add(path);  // raises what is wrong with it
    }
    for (const auto& run : within) add(run);
  }
  if (!quiet) {
    say_left_out("no runs", others);
    say_left_out("no weights yet", empty);
  }
  check(!runs.empty(), "[run] ", paths.front(), ": no run with weights among ", paths.size(),
        " paths");
  return runs;
}

}  // namespace elbo

#include "elbo/io/row_file.h"
#include "elbo/model/refinement.h"
#include "elbo/tasks/latents.h"
#include "elbo/tasks/output.h"
#include "elbo/tasks/rows.h"

namespace elbo {
namespace {

struct EncodeOptions {
  RowChoice choice;
  bool deviations = false, strict = false;
  int64_t seed = 0, refine = 0;
  std::string latents, memory;
  template <class F>
  void fields(F&& f) {
    choice.fields(f);
    f("deviations", deviations, "write deviations (.sd.npy) beside a .npy of means");
    f("seed", seed, "seed of the binarization", at_least(0));
    f("refine", refine, kRefineHelp, between(0, 100000));
    f("strict", strict,
      "tables: refuse cells that training has not seen instead of taking them as missing");
    f("latents", latents,
      "pictures of any size to latents, scaled as a diffusion model reads them: the posterior's "
      "mean or a draw from it (image autoencoders)",
      one_of({"mean", "draw"}));
    f("memory", memory,
      "memory for --latents, e.g. 2G; a picture that needs more goes through in bands, with the "
      "same result (default: half of what is free)");
  }
};

class Encode : public Task {
 public:
  explicit Encode(EncodeOptions options) : o_(std::move(options)) {}

  Json run(const TaskInput& input) override {
    RandomScope scope(static_cast<uint64_t>(o_.seed));
    if (!o_.latents.empty()) return encode_latents(input, o_.latents == "draw", o_.memory);
    const auto rows =
        open_task_rows(input, o_.choice, o_.strict ? OddCells::kRefused : OddCells::kMissing);
    const auto layout = code_layout(*input.model, input.run->schemas());
    const auto path = output_path(input, input.folder.empty() ? "codes.npy" : "codes.csv");
    const bool table = !path.ends_with(".npy");  // one file holds both
    const int64_t n = rows.data->size();
    RowPlan plan{n, {layout.size * (table ? 2 : 1)}, false, layout.mean_names()};
    for (auto& name : layout.deviation_names()) plan.columns.push_back(std::move(name));
    if (table) plan.row_name = [&](int64_t row) { return rows.data->row_name(row); };
    const auto means = create_row_file(path, plan);
    std::unique_ptr<RowFile> deviations;
    const auto beside = path.substr(0, path.rfind('.')) + ".sd.npy";
    if (o_.deviations && !table) deviations = create_row_file(beside, plan);

    const int64_t block = block_rows(input.run->schemas());
    const Draw draw{static_cast<uint64_t>(o_.seed), 0};
    for_each_batch(*rows.data, block, draw, [&](const Batch& batch, int64_t first) {
      const Refinement refined(*input.model, batch, o_.refine);
      const auto codes = encode_batch(*input.model, layout, batch);
      means->append(table ? torch::cat({codes.mean, codes.deviation}, 1) : codes.mean);
      if (deviations) deviations->append(codes.deviation);
      input.progress(static_cast<double>(first + batch.size()) / static_cast<double>(n));
    });
    Json result{{"file", path}, {"data", rows.name}, {"rows", n}, {"dimensions", layout.size}};
    if (deviations) {
      deviations->commit();
      result["deviations"] = beside;
    }
    means->commit();
    tell_unseen(*rows.data, result);
    for (const auto& part : layout.parts) {
      result["sites"].push_back(
          {{"name", part.site}, {"shape", part.shape}, {"first", part.offset}});
    }
    return result;
  }

  std::string data() const override { return "may"; }
  bool may_round() const override { return true; }
  std::string example() const override { return "elbo encode RUN DATA -o codes.csv"; }

 private:
  EncodeOptions o_;
};

const bool encode_added = tasks().add<EncodeOptions>(
    "encode", "Posterior means and deviations of data",
    [](EncodeOptions options) { return std::make_shared<Encode>(std::move(options)); });

}  // namespace
}  // namespace elbo

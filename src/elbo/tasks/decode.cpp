#include "elbo/tasks/latents.h"
#include "elbo/tasks/output.h"
#include "elbo/tasks/rows.h"

namespace elbo {
namespace {

struct DecodeOptions {
  std::string value = "mean", show;
  std::string condition;
  int64_t columns = 0;
  int64_t seed = 0;
  bool latents = false;
  std::string memory;
  template <class F>
  void fields(F&& f) {
    f("value", value, "value of pixels and cells: the mean of p(x|z) or a draw from it",
      one_of({"mean", "draw"}));
    f("show", show, "old name of --value", one_of({"mean", "draw"}));
    f("condition", condition,
      "condition: a class, numbers or a file (default: those of the run's data)");
    f("columns", columns, "pictures side by side (0 = about square)", at_least(0));
    f("seed", seed, "seed of the draws", at_least(0));
    f("latents", latents,
      "DATA are latents of any size, as encode --latents writes them (image autoencoders)");
    f("memory", memory,
      "memory for --latents, e.g. 2G; a picture that needs more is made in bands, with the same "
      "result (default: half of what is free)");
  }
};

/// Codes as `encode` writes them; its text files hold the deviations behind the means.
Tensor read_codes(const std::string& path, const CodeLayout& layout) {
  const auto rows = read_rows(path);
  const bool with_deviations = !path.ends_with(".npy") && rows.size(1) == 2 * layout.size;
  check(rows.size(1) == layout.size || with_deviations, "[decode] ", path, ": rows of ",
        rows.size(1), " values, the model's codes have ", layout.size);
  return rows.narrow(1, 0, layout.size);
}

class Decode : public Task {
 public:
  explicit Decode(DecodeOptions options) : o_(std::move(options)) {
    if (!o_.show.empty()) o_.value = o_.show;
  }

  Json run(const TaskInput& input) override {
    torch::NoGradGuard no_gradient;
    RandomScope scope(static_cast<uint64_t>(o_.seed));
    if (o_.latents) return decode_latents(input, o_.memory);
    const auto& schema = input.run->schemas().x;
    const auto layout = code_layout(*input.model, input.run->schemas());
    const auto codes = read_codes(input.data, layout);
    const int64_t n = codes.size(0), block = block_rows(input.run->schemas());
    const auto c = conditions(input, o_.condition, n);
    const auto path = output_path(input, "decoded", schema);
    const auto file = create_output(path, schema, n, o_.columns);
    for (int64_t from = 0; from < n; from += block) {
      const int64_t count = std::min(block, n - from);
      const auto p = decode_codes(*input.model, layout, codes.narrow(0, from, count),
                                  c.defined() ? c.narrow(0, from, count) : c);
      file->append(o_.value == "mean" ? one_value(*p, input.run->schemas().x) : p->sample());
      input.progress(static_cast<double>(from + count) / static_cast<double>(n));
    }
    file->commit();
    auto result = written(*file, path);
    result.update({{"rows", n}, {"shows", o_.value}});
    return result;
  }

  std::string data() const override { return "must"; }
  std::string example() const override { return "elbo decode RUN codes.npy -o decoded.png"; }

 private:
  DecodeOptions o_;
};

const bool decode_added = tasks().add<DecodeOptions>(
    "decode", "Images or rows from codes written by encode",
    [](DecodeOptions options) { return std::make_shared<Decode>(std::move(options)); });

}  // namespace
}  // namespace elbo

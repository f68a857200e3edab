#include "elbo/coding/decoder.h"
#include "elbo/coding/exact_rows.h"
#include "elbo/coding/file_form.h"
#include "elbo/data/open.h"
#include "elbo/io/file.h"
#include "elbo/io/sha256.h"
#include "elbo/tasks/output.h"
#include "elbo/tasks/task.h"

namespace elbo {
namespace {

struct CompressOptions {
  int64_t block = 4096;
  bool alone = false;
  template <class F>
  void fields(F&& f) {
    f("block", block,
      "rows of a block, which has a checksum and can be read alone; smaller ones cost some bytes "
      "each",
      between(1, 1000000));
    f("alone", alone,
      "the file holds the model, too, rounded: elbo unpack needs no run (tables, by models with "
      "exact sums, e.g. --model hidden_tree)");
  }
};

bool same_rows(const Batch& a, const Batch& b) {
  const auto alike = [](const Tensor& s, const Tensor& t) {
    return s.defined() == t.defined() &&
           (!s.defined() || s.nan_to_num(0).equal(t.nan_to_num(0).view_as(s)));
  };
  return alike(a.x, b.x) && alike(a.mask, b.mask);
}

/// Of the run's files without which nothing can be decompressed.
int64_t model_bytes(const Run& run) {
  int64_t bytes = 0;
  for (const char* file : {"spec.json", "schema.json", "weights.safetensors"}) {
    std::error_code missing;
    const auto size = std::filesystem::file_size(run.path() / file, missing);
    bytes += missing ? 0 : static_cast<int64_t>(size);
  }
  return bytes;
}

/// The model as a file holds it.
std::string model_to_hold(const TaskInput& input) {
  const auto& schemas = input.run->schemas();
  const auto of = class_model(input.model, schemas);
  check(of.has_value(), "[compress] alone: ", input.run->facts()["model"].get<std::string>(),
        " has no exact sums over the columns of a table; --model hidden_tree has");
  return small_model(*of, schemas.x);
}

class Compress : public Task {
 public:
  explicit Compress(const CompressOptions& options) : o_(options) {}

  Json run(const TaskInput& input) override {
    torch::NoGradGuard no_gradient;
    const auto model = o_.alone ? model_to_hold(input) : std::string();
    const auto code = o_.alone ? exact_row_code(from_small_model(model).first)
                               : row_code(input.model, input.run->schemas());
    const auto source = data_path(input.data);
    const auto content = read_maybe_gzip(source);
    const auto file = file_rows(content, *input.run, input.data);
    const auto& rows = file.rows;
    Container container;
    container.facts = {{"model", weights_hash(*input.model)},
                       {"model_name", input.run->facts()["model"]},
                       {"kind", file.form->kind()},
                       {"rows", rows.size()},
                       {"size", content.size()},
                       {"sha256", sha256(content)}};
    const auto with_model = [&](const std::string& of, const std::string& side) {
      return o_.alone ? hold_model(of, side, container.facts) : side;
    };
    container.side = with_model(model, file.form->side());
    const double n = static_cast<double>(std::max<int64_t>(rows.size(), 1));
    int64_t words = 0;
    for (int64_t first = 0; first < rows.size(); first += o_.block) {
      const int64_t end = std::min(first + o_.block, rows.size());
      const auto part = slice(rows, first, end);
      container.blocks.push_back({end - first, code->encode(part)});
      const auto& written = container.blocks.back().words;
      words += static_cast<int64_t>(written.size());
      // What cannot be read again is never called done.
      check(same_rows(code->decode(written, end - first), part), "[compress] rows from ", first,
            ": they do not come back");
      input.progress(static_cast<double>(end) / n);
    }
    check(file.form->bytes(rows) == content, "[compress] ", source, ": it does not come back");
    const size_t by_rows = container.side.size() + 4 * static_cast<size_t>(words);
    if (!file.kept.empty() && file.kept.size() < by_rows) {
      // The model knows too little of it.
      container.side = with_model("", file.kept);
      container.blocks.clear();
      container.facts["rows"] = 0;
      words = 0;
    }
    const auto packed = pack(container);
    const auto path =
        output_path(input, std::filesystem::path(source).filename().string().append(kPackedEnding));
    write_file_atomic(path, packed);
    const double bits = 8 * static_cast<double>(packed.size());
    Json result = {
        {"file", path},
        {"rows", rows.size()},
        {"bytes", packed.size()},
        {"original_bytes", content.size()},
        {"share", static_cast<double>(packed.size()) /
                      static_cast<double>(std::max<size_t>(content.size(), 1))},
        {"bits_per_row", bits / n},
        {"bits_per_value", bits / n / static_cast<double>(numel(input.run->schemas().x.shape))},
        {"rows_bytes", 4 * words},
        {"beside_rows_bytes", packed.size() - 4 * static_cast<size_t>(words)},
        {"blocks", container.blocks.size()},
        {"model_bytes", o_.alone ? static_cast<int64_t>(model.size()) : model_bytes(*input.run)}};
    result.update(file.report);
    return result;
  }

  std::string example() const override { return "elbo compress RUN digits.npy -o digits.elbo"; }

 private:
  CompressOptions o_;
};

const bool compress_added = tasks().add<CompressOptions>(
    "compress", "A file without loss, in about the bits that the model's bound promises",
    [](const CompressOptions& options) { return std::make_shared<Compress>(options); });

}  // namespace
}  // namespace elbo

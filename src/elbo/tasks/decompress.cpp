#include "elbo/coding/container.h"
#include "elbo/coding/file_form.h"
#include "elbo/coding/row_code.h"
#include "elbo/core/text.h"
#include "elbo/io/file.h"
#include "elbo/io/sha256.h"
#include "elbo/tasks/output.h"
#include "elbo/tasks/task.h"

namespace elbo {
namespace {

struct DecompressOptions {
  int64_t first = 0, rows = 0;
  template <class F>
  void fields(F&& f) {
    f("first", first, "first row to decode, from 0; needs rows", at_least(0));
    f("rows", rows,
      "number of rows to decode, from blocks that hold them alone (0 = the whole file, byte for "
      "byte)",
      at_least(0));
  }
};

class Decompress : public Task {
 public:
  explicit Decompress(const DecompressOptions& options) : o_(options) {
    check(o_.rows > 0 || o_.first == 0, "[decompress] first: it needs --rows, how many");
  }

  Json run(const TaskInput& input) override {
    torch::NoGradGuard no_gradient;
    const auto& source = input.data;
    const auto container = unpack(read_file(source), source);
    const auto& facts = container.facts;
    check(facts.value("model", "") == weights_hash(*input.model), "[decompress] ", source,
          ": another model made it, ", facts.value("model_name", ""), " with weights ",
          facts.value("model", "").substr(0, 12),
          "…: give the run that compressed it, with the same weights");
    const auto code = row_code(input.model, input.run->schemas());
    if (o_.rows > 0) return some_rows_of(container, *code, input);
    const auto rows = decoded(container.blocks, *code, input);
    const auto form = form_from(facts.value("kind", ""), container.side, input.run->schemas());
    const auto content = form->bytes(rows);
    check(sha256(content) == facts.value("sha256", ""), "[decompress] ", source,
          ": what comes out is not what went in");
    const auto path = output_path(input, plain_name(source));
    write_file_atomic(path, content);
    return {{"file", path}, {"rows", rows.size()}, {"bytes", content.size()}};
  }

  std::string example() const override { return "elbo decompress RUN digits.elbo -o digits.npy"; }

 private:
  using Blocks = std::vector<Container::Block>;

  static Batch decoded(const Blocks& blocks, RowCode& code, const TaskInput& input) {
    std::vector<Tensor> x, mask;
    for (const auto& block : blocks) {
      const auto rows = code.decode(block.words, block.rows);
      x.push_back(rows.x);
      if (rows.mask.defined()) mask.push_back(rows.mask);
      input.progress(static_cast<double>(x.size()) / static_cast<double>(blocks.size()));
    }
    Batch all;
    all.x = x.empty() ? torch::zeros({0, numel(input.run->schemas().x.shape)}) : torch::cat(x);
    if (!mask.empty()) all.mask = torch::cat(mask);
    return all;
  }

  /// The rows that were asked for, from the blocks that hold some of them.
  Json some_rows_of(const Container& container, RowCode& code, const TaskInput& input) const {
    Blocks needed;
    int64_t at = 0, from = 0;
    for (const auto& block : container.blocks) {
      if (at + block.rows > o_.first && at < o_.first + o_.rows) {
        if (needed.empty()) from = at;
        needed.push_back(block);
      }
      at += block.rows;
    }
    check(o_.first + o_.rows <= at, "[decompress] rows: ", o_.first, " to ", o_.first + o_.rows - 1,
          " were asked for, the file has ", at);
    const auto rows = decoded(needed, code, input);
    const auto& schema = input.run->schemas().x;
    const auto path = output_path(input, "rows", schema);
    const auto file = create_output(path, schema, o_.rows);
    file->append(observed(rows).narrow(0, o_.first - from, o_.rows));
    file->commit();
    auto result = written(*file, path);
    result.update({{"rows", o_.rows}, {"first", o_.first}, {"blocks", needed.size()}});
    return result;
  }

  static std::string plain_name(const std::string& source) {
    auto name = std::filesystem::path(source).filename().string();
    if (name.ends_with(".elbo")) name.resize(name.size() - 5);
    return name.empty() ? "decompressed" : name;
  }

  DecompressOptions o_;
};

const bool decompress_added = tasks().add<DecompressOptions>(
    "decompress", "The file that compress has made small",
    [](const DecompressOptions& options) { return std::make_shared<Decompress>(options); });

}  // namespace
}  // namespace elbo

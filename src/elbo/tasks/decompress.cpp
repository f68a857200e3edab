#include "elbo/coding/decoder.h"
#include "elbo/core/text.h"
#include "elbo/io/file.h"
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
    const auto decoder = decoder_of(container, input);
    if (o_.rows > 0) return some_rows_of(container, decoder, input);
    const auto content = decoder.content(container, source, input.progress);
    const auto path = output_path(input, unpacked_name(source, "decompressed"));
    write_file_atomic(path, content);
    return {{"file", path}, {"rows", container.facts.value("rows", 0)}, {"bytes", content.size()}};
  }

  std::string example() const override { return "elbo decompress RUN digits.elbo -o digits.npy"; }

 private:
  using Blocks = std::vector<Container::Block>;

  static Decoder decoder_of(const Container& container, const TaskInput& input) {
    if (auto held = held_decoder(container)) return std::move(*held);
    const auto& facts = container.facts;
    check(facts.value("model", "") == weights_hash(*input.model), "[decompress] ", input.data,
          ": another model made it, ", facts.value("model_name", ""), " with weights ",
          facts.value("model", "").substr(0, 12),
          "…: give the run that compressed it, with the same weights");
    const auto& schemas = input.run->schemas();
    return {row_code(input.model, schemas), schemas, container.side};
  }

  /// The rows that were asked for, from the blocks that hold some of them.
  Json some_rows_of(const Container& container, const Decoder& decoder,
                    const TaskInput& input) const {
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
    const auto rows = decoder.rows(needed, input.progress);
    const auto& schema = decoder.schemas.x;
    const auto path = output_path(input, "rows", schema);
    const auto file = create_output(path, schema, o_.rows);
    file->append(observed(rows).narrow(0, o_.first - from, o_.rows));
    file->commit();
    auto result = written(*file, path);
    result.update({{"rows", o_.rows}, {"first", o_.first}, {"blocks", needed.size()}});
    return result;
  }

  DecompressOptions o_;
};

const bool decompress_added = tasks().add<DecompressOptions>(
    "decompress", "The file that compress has made small",
    [](const DecompressOptions& options) { return std::make_shared<Decompress>(options); });

}  // namespace
}  // namespace elbo

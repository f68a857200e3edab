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

class Decompress : public Task {
 public:
  Json run(const TaskInput& input) override {
    torch::NoGradGuard no_gradient;
    const auto& source = input.data;
    const auto container = unpack(read_file(source), source);
    const auto& facts = container.facts;
    check(facts.value("model", "") == weights_hash(*input.model), "[decompress] ", source,
          ": another model made it, ", facts.value("model_name", ""), " with weights ",
          facts.value("model", "").substr(0, 12),
          "…: give the run that compressed it, with the same weights");
    const auto form = form_from(facts.value("kind", ""), container.side, input.run->schemas());
    const auto code = row_code(input.model, input.run->schemas());
    std::vector<Tensor> x, mask;
    for (size_t i = 0; i < container.blocks.size(); ++i) {
      const auto& block = container.blocks[i];
      const auto rows = code->decode(block.words, block.rows);
      x.push_back(rows.x);
      if (rows.mask.defined()) mask.push_back(rows.mask);
      input.progress(static_cast<double>(i + 1) / static_cast<double>(container.blocks.size()));
    }
    Batch rows;
    rows.x = x.empty() ? torch::zeros({0, numel(input.run->schemas().x.shape)}) : torch::cat(x);
    if (!mask.empty()) rows.mask = torch::cat(mask);
    const auto content = form->bytes(rows);
    check(sha256(content) == facts.value("sha256", ""), "[decompress] ", source,
          ": what comes out is not what went in");
    const auto path = output_path(input, plain_name(source));
    write_file_atomic(path, content);
    return {{"file", path}, {"rows", rows.size()}, {"bytes", content.size()}};
  }

  std::string example() const override { return "elbo decompress RUN digits.elbo -o digits.npy"; }

 private:
  static std::string plain_name(const std::string& source) {
    auto name = std::filesystem::path(source).filename().string();
    if (name.ends_with(".elbo")) name.resize(name.size() - 5);
    return name.empty() ? "decompressed" : name;
  }
};

const bool decompress_added =
    tasks().add<NoOptions>("decompress", "The file that compress has made small",
                           [](NoOptions) { return std::make_shared<Decompress>(); });

}  // namespace
}  // namespace elbo

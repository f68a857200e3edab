#include "elbo/data/tokenizer.h"
#include "elbo/tasks/comparison.h"
#include "elbo/tasks/output.h"
#include "elbo/tasks/rows.h"

namespace elbo {
namespace {

struct ReconstructOptions {
  RowChoice choice;
  int64_t show = 32;
  int64_t columns = 8;
  int64_t seed = 0;
  template <class F>
  void fields(F&& f) {
    choice.fields(f);
    f("show", show, "number of rows shown in a picture", between(1, 10000));
    f("columns", columns, "pairs side by side", between(1, 1000));
    f("seed", seed, "seed of the binarization", at_least(0));
  }
};

/// Data over their reconstructions, band by band.
Tensor in_bands(const Tensor& data, const Tensor& made, int64_t columns) {
  std::vector<Tensor> bands;
  for (int64_t from = 0; from < data.size(0); from += columns) {
    const int64_t count = std::min(columns, data.size(0) - from);
    for (const auto& half : {data, made}) {
      auto band = half.narrow(0, from, count);
      auto shape = band.sizes().vec();
      shape[0] = columns - count;
      bands.push_back(band);
      if (count < columns) bands.push_back(torch::zeros(shape, band.options()));
    }
  }
  return torch::cat(bands);
}

class Reconstruct : public Task {
 public:
  explicit Reconstruct(ReconstructOptions options) : o_(std::move(options)) {}

  Json run(const TaskInput& input) override {
    torch::NoGradGuard no_gradient;
    RandomScope scope(static_cast<uint64_t>(o_.seed));
    const auto rows = open_task_rows(input, o_.choice);
    const auto& schema = input.run->schemas().x;
    const auto layout = code_layout(*input.model, input.run->schemas());
    const int64_t n = rows.data->size(), pairs = std::min(n, o_.show);
    const auto path = output_path(input, "reconstructions", schema);
    const bool picture = path.ends_with(".png");
    const int64_t columns = std::min(o_.columns, pairs);
    const int64_t tiles = (pairs + columns - 1) / columns * columns * 2;
    RowLabels labels{"row", [&](int64_t row) { return rows.data->row_name(row); }};
    for (int64_t k = 0; k < tiles / columns; ++k) labels.left.push_back(k % 2 ? "model" : "data");
    const auto file = create_output(path, schema, picture ? tiles : n, columns, labels);

    std::vector<Tensor> data, made;  // what the picture shows
    const auto comparison = make_comparison(schema);
    const Draw draw{static_cast<uint64_t>(o_.seed), 0};
    const int64_t block = block_rows(input.run->schemas());
    for_each_batch(*rows.data, block, draw, [&](const Batch& batch, int64_t first) {
      const auto codes = encode_batch(*input.model, layout, batch).mean;
      const auto mean = one_value(*decode_codes(*input.model, layout, codes, batch.c), schema);
      comparison->add(batch, mean);
      if (!picture) {
        file->append(mean);
      } else if (first < pairs) {
        const int64_t count = std::min(pairs - first, batch.size());
        data.push_back(batch.x.narrow(0, 0, count));
        made.push_back(mean.narrow(0, 0, count));
      }
      input.progress(static_cast<double>(first + batch.size()) / static_cast<double>(n));
    });
    if (picture) file->append(in_bands(torch::cat(data), torch::cat(made), columns));
    file->commit();
    auto result = written(*file, path);
    result.update({{"data", rows.name}, {"rows", n}});
    tell_unseen(*rows.data, result);
    result.update(comparison->figures());
    if (result.contains("text")) show_pairs(*rows.data, schema, result);
    return result;
  }

  std::string data() const override { return "may"; }
  std::string example() const override { return "elbo reconstruct RUN DATA -o pairs.png"; }

 private:
  /// Texts beside what was made of them, in place of the latter alone.
  void show_pairs(const Dataset& data, const Schema& schema, Json& result) const {
    const auto n = std::min(o_.show, data.size());
    const auto texts = texts_of(schema, data.get(torch::arange(n)).x);
    for (int64_t i = 0; i < n; ++i) {
      result["pairs"].push_back(
          {{"data", texts[static_cast<size_t>(i)]}, {"reconstruction", result["text"][i]}});
    }
    result.erase("text");
  }

  ReconstructOptions o_;
};

const bool reconstruct_added = tasks().add<ReconstructOptions>(
    "reconstruct", "Data beside their reconstructions",
    [](ReconstructOptions options) { return std::make_shared<Reconstruct>(std::move(options)); });

}  // namespace
}  // namespace elbo

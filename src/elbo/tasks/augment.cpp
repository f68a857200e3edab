#include "elbo/data/reader.h"
#include "elbo/data/row_view.h"
#include "elbo/io/archive.h"
#include "elbo/io/npy.h"
#include "elbo/tasks/output.h"
#include "elbo/tasks/rows.h"

namespace elbo {
namespace {

struct AugmentOptions {
  RowChoice choice;
  int64_t n = 5;
  double spread = 1;
  bool keep = true;
  int64_t seed = 0;
  template <class F>
  void fields(F&& f) {
    choice.fields(f);
    f("n", n, "number of new rows for each row", between(1, 10000));
    f("spread", spread, "spread of the variants, in standard deviations of the posterior",
      between(0, 10));
    f("keep", keep, "write the rows themselves before their variants");
    f("seed", seed, "seed of the draws", at_least(0));
  }
};

std::string npy_bytes(const Tensor& tensor) {
  const auto plain = tensor.contiguous();
  return npy_header(plain.scalar_type(), plain.sizes().vec())
      .append(static_cast<const char*>(plain.data_ptr()), plain.nbytes());
}

/// Labels as the numbers that the classes' names are; places where a name is a word.
Tensor label_values(const Tensor& y, const std::vector<std::string>& names) {
  const auto values = class_values(names);
  auto out = y.to(torch::kInt64).clone().contiguous();
  for (int64_t i = 0; values && i < out.numel(); ++i) {
    auto& label = out.data_ptr<int64_t>()[i];
    if (label >= 0 && label < static_cast<int64_t>(values->size())) {
      label = (*values)[static_cast<size_t>(label)];
    }
  }
  return out;
}

/// Pictures as bytes, so that any reader takes them for what they are.
Tensor stored(const Tensor& x, const Schema& schema) {
  const bool grey =
      PictureView::shows(schema) && (schema.kind == Kind::kByte || schema.kind == Kind::kBinary);
  if (grey) return (x * 255).round().clamp(0, 255).to(torch::kUInt8);
  const auto origin = schema.origin();
  return origin.defined() ? x.to(torch::kFloat64) + origin : x;
}

class Augment : public Task {
 public:
  explicit Augment(AugmentOptions options) : o_(std::move(options)) {}

  Json run(const TaskInput& input) override {
    torch::NoGradGuard no_gradient;
    RandomScope scope(static_cast<uint64_t>(o_.seed));
    const auto& schema = input.run->schemas().x;
    const auto path = output_path(input, "augmented.npz");
    check(path.ends_with(".npz"), "[augment] ", path, ": unknown ending; known: .npz");
    const auto rows = open_task_rows(input, o_.choice);
    const auto layout = code_layout(*input.model, input.run->schemas());
    std::vector<Tensor> x, y;
    for_each_placed_batch(
        rows, block_rows(input.run->schemas()), Draw{static_cast<uint64_t>(o_.seed), 0},
        [&](const Batch& batch, int64_t first) {
          const auto q = encode_batch(*input.model, layout, batch);
          if (o_.keep) add(x, y, batch.x, batch.y, schema);
          for (int64_t i = 0; i < o_.n; ++i) {
            const auto codes =
                q.mean + o_.spread * q.deviation.nan_to_num(0) * torch::randn_like(q.mean);
            add(x, y, one_value(*decode_codes(*input.model, layout, codes, batch.c), schema),
                batch.y, schema);
          }
          input.progress(static_cast<double>(first + batch.size()) /
                         static_cast<double>(rows.data->size()));
        });
    std::vector<std::pair<std::string, std::string>> files{{"x.npy", npy_bytes(torch::cat(x))}};
    const auto names = class_names(input.run->schemas().y);
    if (!y.empty()) files.emplace_back("y.npy", npy_bytes(label_values(torch::cat(y), names)));
    write_zip(path, files);
    Json result{{"file", path},
                {"data", rows.name},
                {"rows", rows.data->size()},
                {"written", rows.data->size() * (o_.n + (o_.keep ? 1 : 0))},
                {"labels", !y.empty()}};
    tell_unseen(*rows.data, result);
    return result;
  }

  std::string data() const override { return "may"; }
  std::string example() const override { return "elbo augment RUN DATA -n 5 -o more.npz"; }

 private:
  static void add(std::vector<Tensor>& x, std::vector<Tensor>& y, const Tensor& values,
                  const Tensor& labels, const Schema& schema) {
    x.push_back(stored(values, schema));
    if (labels.defined()) y.push_back(labels);
  }

  AugmentOptions o_;
};

const bool augment_added = tasks().add<AugmentOptions>(
    "augment", "New variants of rows, with their labels, for training other models",
    [](AugmentOptions options) { return std::make_shared<Augment>(std::move(options)); });

}  // namespace
}  // namespace elbo

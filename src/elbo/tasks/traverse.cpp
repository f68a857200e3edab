#include "elbo/model/levels.h"
#include "elbo/tasks/output.h"
#include "elbo/tasks/rows.h"
#include "elbo/tasks/walks.h"

namespace elbo {
namespace {

struct TraverseOptions {
  RowChoice choice{"auto", 500};
  int64_t dimensions = 8, steps = 9, row = 0;
  double reach = 2.5;
  int64_t seed = 0;
  template <class F>
  void fields(F&& f) {
    choice.fields(f);
    f("dimensions", dimensions, "number of dimensions shown, the most used first",
      between(1, 1000));
    f("steps", steps, "number of values of each dimension", between(2, 1000));
    f("row", row, "row whose code is varied, counted from 0", at_least(0));
    f("reach", reach, "range around the data's mean code, in its standard deviations",
      between(0.01, 100));
    f("seed", seed, "seed of the binarization", at_least(0));
  }
};

class Traverse : public Task {
 public:
  explicit Traverse(TraverseOptions options) : o_(std::move(options)) {}

  Json run(const TaskInput& input) override {
    torch::NoGradGuard no_gradient;
    RandomScope scope(static_cast<uint64_t>(o_.seed));
    const auto rows = open_task_rows(input, o_.choice);
    check(o_.row < rows.data->size(), "[traverse] row ", o_.row, ": the data have ",
          rows.data->size());
    const auto& schema = input.run->schemas().x;
    const Draw draw{static_cast<uint64_t>(o_.seed), 0};
    const auto layout = code_layout(*input.model, input.run->schemas());
    const Levels levels(*input.model, layout, input.run->schemas());
    const auto seen = encode_all(*input.model, layout, *rows.data, draw).mean;
    const auto walk = traversal(layout, seen, o_.row, o_.dimensions, o_.steps, o_.reach);
    const auto lines = static_cast<int64_t>(walk.dimensions.size()), n = lines * o_.steps;
    const auto names = layout.mean_names();
    Json dimensions = Json::array();
    for (const auto d : walk.dimensions) {
      dimensions.push_back({{"name", names[static_cast<size_t>(d)]},
                            {"mean", walk.center[d].item<double>()},
                            {"deviation", walk.spread[d].item<double>()}});
    }
    const auto c = rows.data->get(torch::tensor({o_.row}), draw).c;
    const auto path = output_path(input, "traversal", schema);
    RowLabels labels{
        "dimension", [&](int64_t row) {
          return names[static_cast<size_t>(walk.dimensions[static_cast<size_t>(row / o_.steps)])] +
                 " " + std::to_string(row % o_.steps + 1);
        }};
    for (const auto d : walk.dimensions) labels.left.push_back(names[static_cast<size_t>(d)]);
    const auto file = create_output(path, schema, n, o_.steps, labels);
    for (int64_t line = 0; line < lines; ++line) {
      const auto given =
          c.defined() ? c.expand(with_rows(o_.steps, input.run->schemas().c.shape)) : c;
      const auto here = levels.settled(walk.codes.narrow(0, line * o_.steps, o_.steps),
                                       walk.dimensions[static_cast<size_t>(line)], given);
      file->append(one_value(*decode_codes(*input.model, layout, here, given), schema));
      input.progress(static_cast<double>(line + 1) / static_cast<double>(lines));
    }
    file->commit();
    auto result = written(*file, path);
    result.update({{"data", rows.name}, {"rows", n}, {"dimensions", dimensions}});
    tell_unseen(*rows.data, result);
    return result;
  }

  std::string data() const override { return "may"; }
  std::string example() const override { return "elbo traverse RUN -o traversal.png"; }

 private:
  TraverseOptions o_;
};

const bool traverse_added = tasks().add<TraverseOptions>(
    "traverse", "What the most used latent dimensions change",
    [](TraverseOptions options) { return std::make_shared<Traverse>(std::move(options)); });

}  // namespace
}  // namespace elbo

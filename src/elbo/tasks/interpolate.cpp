#include <iomanip>
#include <sstream>

#include "elbo/tasks/output.h"
#include "elbo/tasks/rows.h"
#include "elbo/tasks/walks.h"

namespace elbo {
namespace {

struct InterpolateOptions {
  RowChoice choice;
  int64_t from = 0, to = 1, steps = 11;
  std::string path = "straight";
  int64_t seed = 0;
  template <class F>
  void fields(F&& f) {
    choice.fields(f);
    f("from", from, "row where the walk begins, counted from 0", at_least(0));
    f("to", to, "row where the walk ends", at_least(0));
    f("steps", steps, "number of points on the walk, both ends included", between(2, 10000));
    f("path", path, "path: a straight line, or along the sphere between the two codes",
      one_of({"straight", "sphere"}));
    f("seed", seed, "seed of the binarization", at_least(0));
  }
};

class Interpolate : public Task {
 public:
  explicit Interpolate(InterpolateOptions options) : o_(std::move(options)) {}

  Json run(const TaskInput& input) override {
    torch::NoGradGuard no_gradient;
    RandomScope scope(static_cast<uint64_t>(o_.seed));
    const auto rows = open_task_rows(input, o_.choice);
    for (int64_t row : {o_.from, o_.to}) {
      check(row < rows.data->size(), "[interpolate] row ", row, ": the data have ",
            rows.data->size());
    }
    const auto& schema = input.run->schemas().x;
    const auto layout = code_layout(*input.model, input.run->schemas());
    const auto ends =
        rows.data->get(torch::tensor({o_.from, o_.to}), Draw{static_cast<uint64_t>(o_.seed), 0});
    const auto known = encode_batch(*input.model, layout, ends).mean;
    const auto codes = walk(layout, known[0], known[1], o_.steps, o_.path);
    Tensor c;
    if (ends.c.defined()) {
      // A condition need not mean anything between two of its values: the nearer end's is taken.
      c = ends.c.index_select(0, (torch::arange(o_.steps) * 2 >= o_.steps).to(torch::kInt64));
    }
    const auto path = output_path(input, "interpolation", schema);
    RowLabels labels{"step", [](int64_t row) { return std::to_string(row + 1); }};
    labels.top = words_above(*rows.data);
    const auto file = create_output(path, schema, o_.steps, o_.steps, labels);
    const int64_t block = block_rows(input.run->schemas());
    for (int64_t at = 0; at < o_.steps; at += block) {
      const int64_t count = std::min(block, o_.steps - at);
      const auto here = c.defined() ? c.narrow(0, at, count) : c;
      const auto made = decode_codes(*input.model, layout, codes.narrow(0, at, count), here);
      file->append(one_value(*made, schema));
      input.progress(static_cast<double>(at + count) / static_cast<double>(o_.steps));
    }
    file->commit();
    auto result = written(*file, path);
    result.update({{"data", rows.name},
                   {"from", rows.data->row_name(o_.from)},
                   {"to", rows.data->row_name(o_.to)},
                   {"rows", o_.steps}});
    tell_unseen(*rows.data, result);
    return result;
  }

  std::string data() const override { return "may"; }
  std::string example() const override {
    return "elbo interpolate RUN DATA --from 3 --to 17 -o walk.png";
  }

 private:
  /// The ends by their names, points between by their share of the way.
  std::vector<std::string> words_above(const Dataset& data) const {
    std::vector<std::string> words;
    for (int64_t i = 0; i < o_.steps; ++i) {
      std::ostringstream share;
      share << std::setprecision(2)
            << static_cast<double>(i) / static_cast<double>(std::max<int64_t>(1, o_.steps - 1));
      words.push_back(share.str());
    }
    words.front() = data.row_name(o_.from);
    words.back() = data.row_name(o_.to);
    return words;
  }

  InterpolateOptions o_;
};

const bool interpolate_added = tasks().add<InterpolateOptions>(
    "interpolate", "A walk between the codes of two rows",
    [](InterpolateOptions options) { return std::make_shared<Interpolate>(std::move(options)); });

}  // namespace
}  // namespace elbo

#include <limits>

#include "elbo/data/row_view.h"
#include "elbo/distributions/chain_steps.h"
#include "elbo/distributions/decoding.h"
#include "elbo/model/knows_missing.h"
#include "elbo/tasks/output.h"
#include "elbo/tasks/row_copies.h"
#include "elbo/tasks/row_filter.h"
#include "elbo/tasks/rows.h"

namespace elbo {
namespace {

struct SampleOptions {
  int64_t n = 64, rows = 0;
  std::string value = "auto", show;
  std::string fix, condition, where;
  bool with_missing = false, complete = false;
  int64_t columns = 0, k = 0;
  double temperature = 1;
  int64_t beam = 0, sampling_steps = 0;
  int64_t seed = 0;
  template <class F>
  void fields(F&& f) {
    f("n", n, "number of new rows", between(1, 1e8));
    f("rows", rows, "number of new rows, the same as -n (0 = as -n says)", between(0, 1e8));
    f("value", value,
      "value of pixels and cells: the mean of p(x|z) or a draw from it (auto = the mean for "
      "pictures)",
      one_of({"auto", "mean", "draw"}));
    f("show", show, "old name of --value", one_of({"auto", "mean", "draw"}));
    f("fix", fix,
      "latent values kept fixed, SITE=VALUE;…, where a value is a number, numbers separated by "
      "commas, or a file");
    f("condition", condition,
      "condition: a class, numbers or a file (default: those of the run's data)");
    f("where", where, "condition that rows of a table must meet, e.g. \"age>60,city=Rome\"");
    f("with_missing", with_missing,
      "tables: leave cells empty where a training row drawn at random has none");
    f("complete", complete,
      "tables: fill every cell, also where the model has learned which cells are missing");
    f("k", k,
      "tables: number of training rows that must share a row before it may be drawn as it is, e.g. "
      "2: no row that is somebody's alone (0 = keep all)",
      between(0, 1000000));
    f("columns", columns, "pictures side by side (0 = about square)", at_least(0));
    f("temperature", temperature,
      "texts: sampling temperature; below 1 favours likely tokens (0 = the likeliest at each step)",
      between(0, 10));
    f("beam", beam, "texts: beam search of this width instead of sampling (0 = sample)",
      between(0, 1000));
    f("sampling_steps", sampling_steps, kSamplingStepsHelp, between(0, 10000));
    f("seed", seed, "seed of the draws", at_least(0));
  }
};

class Sample : public Task {
 public:
  explicit Sample(SampleOptions options) : o_(std::move(options)) {
    if (o_.rows > 0) o_.n = o_.rows;
    if (!o_.show.empty()) o_.value = o_.show;
  }

  Json run(const TaskInput& input) override {
    torch::NoGradGuard no_gradient;
    RandomScope scope(static_cast<uint64_t>(o_.seed));
    const ChainSteps chain(o_.sampling_steps);
    auto& model = *input.model;
    const auto& x = input.run->schemas().x;
    const auto fixed = parse_fixed(code_layout(model, input.run->schemas()), o_.fix);
    for (const auto& [site, value] : fixed) {
      check(value.size(0) == 1 || value.size(0) == o_.n, "[fix] ", site, ": ", value.size(0),
            " rows, expected 1 or as many as -n (", o_.n, ")");
    }
    const auto c = conditions(input, o_.condition, o_.n);
    const bool mean = o_.value == "mean" || (o_.value == "auto" && PictureView::shows(x));
    const auto path = output_path(input, "samples", x);
    const auto file = create_output(path, x, o_.n, o_.columns);
    const int64_t block = block_rows(input.run->schemas());
    if (o_.with_missing) patterns_ = missing_patterns(input);
    if (o_.k > 0) copies_ = training_copies(input);
    if (!o_.where.empty()) {
      check(fixed.empty() && !c.defined(),
            "[sample] --where: cannot be combined with --fix or --condition");
      draw_where(input, *file, block);
      file->commit();
      Json result{{"file", path}, {"rows", o_.n}, {"share_that_fits", fitting_}};
      add_copies(result);
      return result;
    }
    for (int64_t from = 0; from < o_.n; from += block) {
      const int64_t count = std::min(block, o_.n - from);
      Values here;
      for (const auto& [site, value] : fixed) {
        here[site] = value.size(0) == 1 ? value : value.narrow(0, from, count);
      }
      const auto given = c.defined() ? c.narrow(0, from, count) : c;
      file->append(without_copies([&] {
        const auto made = model.generate(count, given, here);
        const auto& p = *made.x;
        return with_holes(mean ? one_value(p, x) : drawn(p), missing_of(model, made.trace));
      }));
      input.progress(static_cast<double>(from + count) / static_cast<double>(o_.n));
    }
    file->commit();
    auto result = written(*file, path);
    result.update({{"rows", o_.n}, {"shows", mean ? "mean" : "draw"}});
    add_copies(result);
    return result;
  }

  std::string data() const override { return "never"; }
  std::string example() const override { return "elbo sample RUN -n 64 -o samples.png"; }

 private:
  /// [N, D] of the training rows, 1 = known.
  static Tensor missing_patterns(const TaskInput& input) {
    const auto& x = input.run->schemas().x;
    check(TableView::shows(x) && x.missing(),
          "[sample] --with-missing: the model was not trained on a table with missing cells");
    std::vector<Tensor> parts;
    for_each_batch(*input.run->training_data(), 4096, {}, [&](const Batch& batch, int64_t) {
      parts.push_back(batch.mask.defined() ? batch.mask.to(torch::kUInt8)
                                           : torch::ones_like(batch.x, torch::kUInt8));
    });
    return torch::cat(parts);
  }

  std::unique_ptr<RowCopies> training_copies(const TaskInput& input) const {
    const auto& x = input.run->schemas().x;
    check(TableView::shows(x), "[sample] -k: is for tables, found ", x.kind, " data");
    return std::make_unique<RowCopies>(*input.run->training_data(), columns_of(x), o_.k);
  }

  /// Rows as `draw` makes them; those that are copies are drawn again in their place.
  Tensor without_copies(const std::function<Tensor()>& draw) {
    constexpr int kRounds = 100;
    auto rows = draw();
    if (!copies_) return rows;
    for (int round = 0;; ++round) {
      const auto at = copies_->among(rows).nonzero().flatten();
      if (at.numel() == 0) return rows;
      check(round < kRounds, "[sample] -k: ", at.numel(), " of ", rows.size(0), " rows are copies ",
            "however often they are drawn; ask for a smaller -k");
      copied_ += at.numel();
      rows.index_copy_(0, at, draw().index_select(0, at));
    }
  }

  /// Those of the rows that are no copies.
  Tensor fresh(const Tensor& rows) {
    if (!copies_) return rows;
    const auto copied = copies_->among(rows);
    copied_ += copied.sum().item<int64_t>();
    return rows.index_select(0, copied.logical_not().nonzero().flatten());
  }

  /// What was dropped, and why.
  void add_copies(Json& result) const {
    if (!copies_) return;
    result["copies_dropped"] = copied_;
    result["copies_are"] = "rows equal to a training row that fewer than " + std::to_string(o_.k) +
                           " training rows share";
  }

  /// [n, D] bool: which cells the model says are missing; undefined where it says nothing.
  Tensor missing_of(const Model& model, const Trace& trace) const {
    return o_.complete ? Tensor() : draw_missing(*model.latent, trace);
  }

  /// NaN where a cell is missing, or a training row drawn for each has none.
  Tensor with_holes(const Tensor& x, const Tensor& missing) const {
    if (missing.defined()) {
      return x.masked_fill(missing, std::numeric_limits<double>::quiet_NaN());
    }
    if (!patterns_.defined()) return x;
    const auto which = torch::randint(patterns_.size(0), {x.size(0)}, torch::kInt64);
    return x.to(torch::kCPU)
        .masked_fill(patterns_.index_select(0, which) == 0,
                     std::numeric_limits<double>::quiet_NaN());
  }

  /// A draw of p(x|z), of texts as the options ask.
  Tensor drawn(const Distribution& p) const {
    if (o_.temperature == 1 && o_.beam == 0) return p.sample();
    const auto* texts = dynamic_cast<const Decodable*>(&p);
    check(texts, "[sample] temperature and beam are for texts, the model draws none");
    Decoding how;
    how.temperature = o_.temperature;
    how.beam = o_.beam;
    return texts->decode(how);
  }

  /// Rows of a model that knows p(z | some columns) itself: those that = fixes are given to it.
  static std::pair<Tensor, Trace> drawn_given(Model& model, const Batch& given, int64_t n) {
    if (!given.mask.any().item<bool>() || !model.latent->exact()) {
      const auto made = model.generate(n);
      return {made.x->sample(), made.trace};
    }
    const auto trace = model.latent->infer(given, n);
    const auto x = model.decode(trace.code)->sample();
    return {torch::where(given.mask.to(torch::kBool), given.x, x), trace};
  }

  /// Exact: rows are drawn until enough of them fit.
  void draw_where(const TaskInput& input, RowFile& file, int64_t block) {
    const RowFilter filter(o_.where, input.run->schemas().x);
    constexpr int64_t kMostTries = 10000;  // for each row that is asked for
    const auto given = filter.fixed();
    int64_t found = 0, drawn = 0;
    while (found < o_.n) {
      check(drawn < kMostTries * o_.n || drawn < block, "[where] ", found, " of ", drawn,
            " draws meet \"", o_.where, "\": too few to find ", o_.n);
      const auto [x, trace] = drawn_given(*input.model, given, block);
      auto missing = missing_of(*input.model, trace);
      if (missing.defined()) missing = missing.logical_and(filter.named().logical_not());
      const auto fits = filter.keeps(x).nonzero().squeeze(1);
      const int64_t count = std::min(fits.size(0), o_.n - found);
      const auto at = fits.narrow(0, 0, count);
      const auto rows = fresh(with_holes(
          x.index_select(0, at), missing.defined() ? missing.index_select(0, at) : missing));
      file.append(rows);
      fitting_ += static_cast<double>(fits.size(0));
      drawn += block;
      found += rows.size(0);
      input.progress(static_cast<double>(found) / static_cast<double>(o_.n));
    }
    fitting_ /= static_cast<double>(drawn);
  }

  SampleOptions o_;
  double fitting_ = 0;
  Tensor patterns_;                    // undefined: all cells are written
  std::unique_ptr<RowCopies> copies_;  // null: none are looked for
  int64_t copied_ = 0;
};

const bool sample_added = tasks().add<SampleOptions>(
    "sample", "New data from the prior",
    [](SampleOptions options) { return std::make_shared<Sample>(std::move(options)); });

}  // namespace
}  // namespace elbo

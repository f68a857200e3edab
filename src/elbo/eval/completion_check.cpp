#include "elbo/eval/completion_check.h"

#include <algorithm>
#include <cmath>

#include "elbo/eval/row_cells.h"

namespace elbo {
namespace {

constexpr double kHidden = 0.25;      // as tables hide of their cells in training
constexpr int64_t kJudgedRows = 800;  // 200 hidden cells of each column
constexpr int64_t kMostTimes = 8;
constexpr double kWidest = 0.999;  // of draws there are a few hundred

/// The rows with a quarter of their known cells hidden, and which these are.
std::pair<Batch, Tensor> with_hidden(const Batch& batch) {
  const auto known =
      batch.mask.defined() ? batch.mask > 0 : torch::ones_like(batch.x, torch::kBool);
  const auto hidden = known & (torch::rand_like(batch.x) < kHidden);
  Batch shown = batch;
  shown.mask = (known & ~hidden).to(torch::kFloat32);
  shown.x = batch.x.masked_fill(shown.mask == 0, 0);
  return {shown, hidden};
}

/// [D] bool: the columns for which `is` holds.
template <class Is>
Tensor columns_that(const std::vector<Column>& columns, const Is& is) {
  std::vector<uint8_t> flags;
  for (const auto& column : columns) flags.push_back(is(column));
  return torch::tensor(flags).to(torch::kBool);
}

/// How far hidden numbers of each column lie from a constant, a model's fill does, and both
/// together: sums over cells, from which the best mixture of the two follows.
struct Mixture {
  Tensor apart, along, moved;  // [D] of (x - c)², (x - c)(m - c), (m - c)²

  void add(const Tensor& x, const Tensor& fill, const Tensor& constant, const Tensor& hidden) {
    const auto from = (x - constant).masked_fill(~hidden, 0);
    const auto move = (fill - constant).masked_fill(~hidden, 0);
    const auto sum = [](Tensor& all, const Tensor& one) {
      all = all.defined() ? all + one.sum(0) : one.sum(0);
    };
    sum(apart, from.square());
    sum(along, from * move);
    sum(moved, move.square());
  }
  /// Squared error where the model's fill has this share.
  double error(int64_t column, double w) const {
    return at(apart, column) - 2 * w * at(along, column) + w * w * at(moved, column);
  }
  /// The likeliest share of the model's fill where shares are normal about 1 and cells are normal
  /// about the mixture; never one that leaves more than the constant alone does.
  double weight(int64_t column, double cells) const {
    constexpr double kSpread = 0.15;
    const double move = at(moved, column), noise = error(column, 1) / cells;
    if (move <= 0 || noise <= 0) return 1;
    const double precision = noise / (kSpread * kSpread);
    const double likeliest = (at(along, column) + precision) / (move + precision);
    return std::clamp(std::min(likeliest, 2 * at(along, column) / move), 0.0, 1.0);
  }

 private:
  static double at(const Tensor& sums, int64_t column) { return sums[column].item<double>(); }
};

/// What the hidden cells of each column are missed by, for the ways to fill: numbers by the squared
/// error, grades by the steps between, classes by how many are wrong.
class FillErrors {
 public:
  /// `constants` [2, D].
  FillErrors(const std::vector<Column>& columns, const Tensor& constants)
      : constants_(constants.to(torch::kFloat64)),
        wrong_(torch::zeros({1 + constants.size(0), constants.size(1)}, torch::kFloat64)),
        cells_(torch::zeros({constants.size(1)}, torch::kFloat64)),
        numeric_(columns_that(columns, [](const Column& c) { return c.numeric(); })),
        graded_(columns_that(columns, [](const Column& c) { return c.type == "ordinal"; })) {}

  void add(const Completion& found, const Tensor& truth, const Tensor& hidden) {
    const auto x = truth.to(torch::kFloat64);
    const Tensor fills[] = {found.value.to(torch::kFloat64), found.median.to(torch::kFloat64)};
    for (int64_t c = 0; c < 2; ++c) {
      for (int64_t m = 0; m < 2; ++m) mixtures_[m][c].add(x, fills[m], constants_[c], hidden);
    }
    const auto wrong = [&](const Tensor& fill) {
      const auto apart = fill - x;
      const auto steps = torch::where(graded_, apart.abs(), (apart != 0).to(torch::kFloat64));
      return steps.masked_fill(~hidden, 0).sum(0);
    };
    wrong_[0] += wrong(fills[0]);
    for (int64_t c = 0; c < 2; ++c) wrong_[1 + c] += wrong(constants_[c]);
    cells_ += hidden.sum(0);
  }

  /// [3, D] as CompletionPlan has them. Nothing is filled worse than by a constant.
  Tensor best() const {
    constexpr double kFewest = 20;  // cells
    auto fills = torch::zeros({3, cells_.size(0)}, torch::kFloat64);
    fills[2].fill_(1);
    for (int64_t i = 0; i < cells_.size(0); ++i) {
      if (cells_[i].item<double>() < kFewest) continue;
      const auto one = numeric_[i].item<bool>() ? of_numbers(i) : of_classes(i);
      fills.select(1, i).copy_(torch::tensor(
          {static_cast<double>(one.fill), one.constant, one.weight}, torch::kFloat64));
    }
    return fills;
  }

 private:
  struct Way {
    Fill fill = Fill::kMean;
    double constant = 0, weight = 1;
  };

  Way of_numbers(int64_t i) const {
    constexpr double kBetter = 0.9;  // than the model's mean, else chance decides between the two
    const int64_t m = mixtures_[1][0].error(i, 1) < kBetter * mixtures_[0][0].error(i, 1);
    const int64_t c = mixtures_[m][1].error(i, 0) < mixtures_[m][0].error(i, 0);
    return {m == 1 ? Fill::kMedian : Fill::kMean, constants_[c][i].item<double>(),
            mixtures_[m][c].weight(i, cells_[i].item<double>())};
  }

  Way of_classes(int64_t i) const {
    const auto wrong = [&](int64_t way) { return wrong_[way][i].item<double>(); };
    const int64_t c = wrong(2) < wrong(1);
    if (wrong(1 + c) >= wrong(0)) return {};
    return {Fill::kConstant, constants_[c][i].item<double>(), 0};
  }

  Tensor constants_, wrong_, cells_, numeric_, graded_;
  Mixture mixtures_[2][2];  // of the model's mean and median with each constant
};

/// Mean (of classes the most frequent one) and median of the known cells of each column, [2, D].
Tensor constants_of(const Data& training, const std::vector<Column>& columns) {
  constexpr int64_t kRows = 2000;
  const auto rows = some_rows(training, kRows, Draw{}.key("constants"));
  const auto x = cells_of(*rows, {}).to(torch::kFloat64);
  auto constants = torch::stack({x.nanmean(0), std::get<0>(x.nanmedian(0))}).nan_to_num(0);
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].numeric()) continue;
    const auto at = static_cast<int64_t>(i);
    const auto column = x.select(1, at);
    const auto known = column.masked_select(column.isnan().logical_not()).to(torch::kInt64);
    const auto most = known.numel() > 0 ? known.bincount().argmax().item<int64_t>() : 0;
    constants[0][at] = most;
    // Between classes without an order there is no middle.
    if (columns[i].type != "ordinal") constants[1][at] = most;
  }
  return constants;
}

}  // namespace

CompletionCheck check_completion(Model& model, const Data& training, const Data& held_out,
                                 const std::vector<Column>& columns) {
  if (!held_out) return {};
  const auto numeric = columns_that(columns, [](const Column& c) { return c.numeric(); });
  const auto rows = some_rows(held_out, kJudgedRows, Draw{}.key("intervals"));
  const RandomScope scope(0);
  const CompletionPlan plan;
  FillErrors errors(columns, constants_of(training, columns));
  std::vector<Tensor> levels{torch::zeros({0})};
  // Of few rows other cells are hidden each time.
  const int64_t times = std::clamp<int64_t>(2 * kJudgedRows / rows->size(), 1, kMostTimes);
  for (int64_t time = 0; time < times; ++time) {
    for_each_batch(*rows, rows_in_block(plan), {}, [&](const Batch& batch, int64_t) {
      const auto [shown, hidden] = with_hidden(batch);
      if (!hidden.any().item<bool>()) return;
      const auto found = complete(model, shown, columns, plan, batch.x);
      if (time == 0) levels.push_back(found.level.masked_select(hidden & numeric));
      errors.add(found, batch.x, hidden);
    });
  }
  const auto sorted = std::get<0>(torch::cat(levels).sort());
  return {sorted.numel() > 0 ? sorted : Tensor(), errors.best()};
}

double honest_mass(const Kept* kept, double mass) {
  if (!kept || !kept->interval_levels.defined() || mass <= 0) return mass;
  const auto& levels = kept->interval_levels;
  const auto n = static_cast<double>(levels.size(0));
  const double rank = std::ceil((n + 1) * mass);
  if (rank > n) return std::max(mass, kWidest);
  const auto at = levels[static_cast<int64_t>(rank) - 1].item<double>();
  return std::clamp(at, mass, std::max(mass, kWidest));
}

CompletionPlan completion_plan(const Kept* kept, int64_t draws, int64_t m, double interval) {
  return {draws, m > 1 ? m : 0, honest_mass(kept, interval), kept ? kept->fills : Tensor()};
}

}  // namespace elbo

#include "elbo/heads/state_layout.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

namespace elbo {
namespace {

constexpr double kInfinite = std::numeric_limits<float>::infinity();
// A single value has rows enough to say nothing of one of them. It is one where most of the column
// consists of such values, or else where it stands out.
constexpr int64_t kFewestOfSingle = 5;
constexpr double kMostlySingles = 0.8, kShareOfSingle = 5e-3;
constexpr int64_t kRowsOfCell = 10;
// Beyond so many units float32 tells neighbours apart no more.
constexpr double kMostUnits = 4e6;
constexpr double kPseudoRows = 0.5;

StateKind kind_of(const Column& c) {
  if (c.type == "category" || c.type == "binary") return StateKind::kClass;
  if (c.type == "ordinal") return StateKind::kGrade;
  return c.type == "count" ? StateKind::kCount : StateKind::kDensity;
}

/// Values of a column, sorted, and where they lie.
class Layout {
 public:
  Layout(const StateSpace& space, int64_t column, std::vector<double> sorted,
         const Fineness& fineness)
      : s_(space), j_(column), fineness_(fineness), sorted_(std::move(sorted)) {
    unit_ = s_.unit[static_cast<size_t>(j_)];
    low_ = sorted_.front();
    high_ = sorted_.back();
    dense_ = s_.kinds[static_cast<size_t>(j_)] == StateKind::kDensity;
    step_ = common_step();
  }

  Tensor learn() {
    counts_ = torch::zeros({s_.states()}, torch::kFloat64);
    set(s_.step, step_);
    set(s_.origin, low_);
    set(s_.low, low_);
    set(s_.high, high_);
    set(s_.middle, 0.5 * (low_ + high_));
    set(s_.reach, std::max(0.5 * (high_ - low_), unit_));
    set(s_.rest, 1 / (static_cast<double>(sorted_.size()) + 2));
    s_.used[j_].fill_(0);
    put_singles();
    if (!others_.empty()) put_ranges();
    state(s_.states() - 1, 0, 0.5 * (low_ + high_), 0);
    s_.used[j_][s_.states() - 1].fill_(0);
    return counts_;
  }

 private:
  void set(const Tensor& all, double value) const { all[j_].fill_(value); }

  /// The largest step that all values are multiples of, apart from the first; 0 where float32 has
  /// not the digits.
  double common_step() const {
    if (std::max(std::abs(low_), std::abs(high_)) > kMostUnits * unit_) return 0;
    int64_t steps = 0;
    for (const double v : sorted_) steps = std::gcd(steps, std::llround((v - low_) / unit_));
    return static_cast<double>(std::max<int64_t>(steps, 1)) * unit_;
  }

  void state(int64_t at, double count, double centre, double spread) {
    s_.used[j_][at].fill_(1);
    s_.centres[j_][at].fill_(centre);
    s_.spreads[j_][at].fill_(spread);
    counts_[at].fill_(count);
  }

  void put_singles() {
    std::vector<std::pair<int64_t, double>> common;  // rows, value
    int64_t held = 0;
    for (size_t i = 0, end = 0; i < sorted_.size(); i = end) {
      end = i + 1;
      while (end < sorted_.size() && sorted_[end] == sorted_[i]) ++end;
      const auto rows = static_cast<int64_t>(end - i);
      if (rows < kFewestOfSingle) continue;
      common.emplace_back(rows, sorted_[i]);
      held += rows;
    }
    const auto n = static_cast<double>(sorted_.size());
    if (static_cast<double>(held) < kMostlySingles * n) {
      std::erase_if(common, [&](const auto& one) {
        return static_cast<double>(one.first) < kShareOfSingle * n;
      });
    }
    std::sort(common.rbegin(), common.rend());
    common.resize(std::min(common.size(), static_cast<size_t>(kSingles)));
    std::map<double, int64_t> rows_of;
    for (const auto& [rows, value] : common) rows_of[value] = rows;
    s_.values[j_].fill_(kInfinite);
    int64_t at = 0;
    for (const auto& [value, rows] : rows_of) {
      singles_.push_back(value);
      s_.values[j_][at].fill_(value);
      state(at++, static_cast<double>(rows), value, 0);
    }
    for (const double v : sorted_) {
      if (!rows_of.count(v)) others_.push_back(v);
    }
  }

  /// Ends of cells of about as many rows each.
  std::vector<double> ends(int64_t cells) const {
    const double half = 0.5 * step_;
    const auto n = static_cast<int64_t>(others_.size());
    std::vector<double> list;
    for (int64_t i = 0; i < cells; ++i) {
      const double end = others_[static_cast<size_t>(i * n / cells)] - half;
      if (list.empty() || end - list.back() > 0.5 * unit_) list.push_back(end);
    }
    list.push_back(others_.back() + std::max(half, step_ > 0 ? half : unit_));
    return list;
  }

  /// Places for a value in a cell: whole steps less single values, or its width over the unit.
  double places(double from, double to) const {
    if (step_ == 0) return (to - from) / unit_;
    const auto first = std::lower_bound(singles_.begin(), singles_.end(), from);
    const auto last = std::lower_bound(singles_.begin(), singles_.end(), to);
    return std::max(1.0, std::round((to - from) / step_) - static_cast<double>(last - first));
  }

  void put_ranges() {
    const auto n = static_cast<int64_t>(others_.size());
    const auto ranges = std::clamp<int64_t>(n / fineness_.rows, 1, fineness_.ranges);
    const auto wanted =
        ranges * std::clamp<int64_t>(n / (ranges * kRowsOfCell), 1, fineness_.cells);
    const auto knots = ends(wanted);
    const auto cells = static_cast<int64_t>(knots.size()) - 1;
    const int64_t width = (cells + ranges - 1) / ranges;
    set(s_.cells, static_cast<double>(width));
    s_.knots[j_].fill_(kInfinite);
    s_.log_inside[j_].fill_(-kInfinite);
    s_.cumulated[j_].fill_(static_cast<double>(n));
    std::vector<int64_t> before;
    for (size_t i = 0; i < knots.size(); ++i) {
      const auto at = std::lower_bound(others_.begin(), others_.end(), knots[i]) - others_.begin();
      before.push_back(i + 1 < knots.size() ? at : n);
      s_.knots[j_][static_cast<int64_t>(i)].fill_(knots[i]);
      s_.cumulated[j_][static_cast<int64_t>(i)].fill_(static_cast<double>(before.back()));
    }
    for (int64_t from = 0; from < cells; from += width) {
      const auto to = std::min(cells, from + width);
      const auto first = before[static_cast<size_t>(from)], last = before[static_cast<size_t>(to)];
      put_range(kSingles + from / width, first, last);
      for (int64_t c = from; c < to; ++c) {
        const auto i = static_cast<size_t>(c);
        const double share = static_cast<double>(before[i + 1] - before[i]) /
                             static_cast<double>(std::max<int64_t>(last - first, 1));
        const double each = share / places(knots[i], knots[i + 1]);
        s_.log_inside[j_][c].fill_(std::log(std::max(each, 1e-30)) -
                                   (dense_ ? std::log(unit_) : 0));
      }
    }
  }

  void put_range(int64_t at, int64_t first, int64_t last) {
    double sum = 0, squares = 0;
    for (int64_t i = first; i < last; ++i) sum += others_[static_cast<size_t>(i)];
    const auto rows = static_cast<double>(std::max<int64_t>(last - first, 1));
    const double mean = sum / rows;
    for (int64_t i = first; i < last; ++i) {
      squares += std::pow(others_[static_cast<size_t>(i)] - mean, 2);
    }
    state(at, static_cast<double>(last - first), mean, squares / rows);
  }

  const StateSpace& s_;
  const int64_t j_;
  const Fineness fineness_;
  std::vector<double> sorted_, singles_, others_;
  double unit_, low_, high_, step_;
  bool dense_;
  Tensor counts_;
};

}  // namespace

StateSpace empty_space(const std::vector<Column>& columns, const Fineness& fineness) {
  StateSpace s;
  int64_t states = 1;
  bool numbers = false;
  for (const auto& c : columns) {
    s.kinds.push_back(kind_of(c));
    s.unit.push_back(c.type == "date" ? 1 : std::pow(10.0, -static_cast<double>(c.decimals)));
    states = std::max(states, static_cast<int64_t>(c.classes.size()));
    numbers = numbers || c.numeric();
  }
  const auto d = static_cast<int64_t>(columns.size());
  if (numbers) {
    s.singles = kSingles;
    s.ranges = fineness.ranges;
    states = std::max(states + 1, kSingles + s.ranges + 1);
  }
  const int64_t cells = numbers ? kCells : 1, singles = std::max<int64_t>(s.singles, 1);
  s.used = torch::zeros({d, states});
  s.values = torch::full({d, singles}, kInfinite);
  s.knots = torch::full({d, cells + 1}, kInfinite);
  s.log_inside = torch::full({d, cells}, -kInfinite);
  s.cumulated = torch::zeros({d, cells + 1});
  s.cells = torch::ones({d}, torch::kInt64);
  s.step = torch::zeros({d});
  s.origin = torch::zeros({d});
  s.rest = torch::full({d}, 0.5);
  s.middle = torch::zeros({d});
  s.reach = torch::ones({d});
  s.low = torch::zeros({d});
  s.high = torch::zeros({d});
  s.centres = torch::zeros({d, states});
  s.spreads = torch::zeros({d, states});
  for (int64_t j = 0; j < d; ++j) {
    const auto& c = columns[static_cast<size_t>(j)];
    if (c.numeric()) {
      // What an untrained model draws lies where the column does.
      s.middle[j].fill_(0.5 * (c.low + c.high) - c.origin);
      s.reach[j].fill_(std::max(0.5 * (c.high - c.low), s.unit[static_cast<size_t>(j)]));
      s.low[j].fill_(c.low - c.origin);
      s.high[j].fill_(c.high - c.origin);
      s.rest[j].fill_(1 - 1e-6);
      continue;
    }
    const auto classes = static_cast<int64_t>(c.classes.size());
    s.used[j].narrow(0, 0, classes).fill_(1);
    s.centres[j].narrow(0, 0, classes).copy_(torch::arange(classes));
  }
  return s;
}

Tensor learn_states(const StateSpace& space, int64_t column, const Tensor& values,
                    const Fineness& fineness) {
  torch::NoGradGuard no_gradient;
  if (!space.numeric(column)) {
    auto counts = torch::full({space.states()}, kPseudoRows, torch::kFloat64);
    const auto classes = values.round().to(torch::kInt64).clamp(0, space.states() - 1);
    return counts.index_add_(0, classes, torch::ones({values.size(0)}, torch::kFloat64));
  }
  if (values.size(0) == 0) return torch::zeros({space.states()}, torch::kFloat64);
  const auto sorted = std::get<0>(values.to(torch::kFloat64).sort());
  const auto* from = sorted.data_ptr<double>();
  return Layout(space, column, {from, from + sorted.numel()}, fineness).learn();
}

}  // namespace elbo

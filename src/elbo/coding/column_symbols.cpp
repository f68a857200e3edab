#include "elbo/coding/column_symbols.h"

#include <cmath>
#include <utility>

namespace elbo {
namespace {

constexpr double kMostUnitsOfValue = 9e15;  // whole numbers of float64
constexpr double kMostPlaces = 1e15;

bool same_bits(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }

double at(const Tensor& t, int64_t column) { return t[column].to(torch::kFloat64).item<double>(); }

std::vector<float> floats_of(const Tensor& row) {
  const auto plain = row.to(torch::kCPU, torch::kFloat32).contiguous();
  const auto* from = plain.data_ptr<float>();
  return {from, from + plain.numel()};
}

double ten_to(int64_t power) {
  double product = 1;
  for (int64_t i = 0; i < power; ++i) product *= 10;
  return product;
}

int64_t whole_number(double x) {
  if (!(std::fabs(x) < kMostUnitsOfValue)) return 0;
  return static_cast<int64_t>(std::floor(x + 0.5));
}

/// A number by its difference from the last one, as far as places go.
int64_t bounded(int64_t difference, int64_t last) {
  const auto most = static_cast<int64_t>(kMostUnitsOfValue);
  check(std::abs(difference / 2) <= most, "[coding] column: holds a number beyond its range");
  return std::clamp(last + difference, -most, most);
}

}  // namespace

ColumnSymbols::ColumnSymbols(bool numeric, const Column& written)
    : numeric_(numeric),
      per_unit_(written.type == "date" ? 1 : ten_to(written.decimals)),
      column_origin_(numeric ? written.origin : 0) {}

ColumnSymbols::ColumnSymbols(const StateSpace& space, int64_t column, const Column& written)
    : ColumnSymbols(space.numeric(column), written) {
  const auto used = floats_of(space.used[column]);
  for (size_t state = 0; state < used.size(); ++state) {
    if (used[state] != 0) states_.push_back(static_cast<int64_t>(state));
  }
  if (!numeric_) return;
  // The last state is what lies beyond, whether or not it is marked.
  if (!states_.empty() && states_.back() == space.states() - 1) states_.pop_back();
  const double step = at(space.step, column);
  from_ = whole_number((at(space.low, column) + column_origin_) * per_unit_);
  step_ = step > 0 ? std::max<int64_t>(1, whole_number(step * per_unit_)) : 1;
  const int64_t highest = whole_number((at(space.high, column) + column_origin_) * per_unit_);
  span_ = std::clamp<int64_t>(highest - from_, 1, static_cast<int64_t>(kMostPlaces));
  auto singles = floats_of(space.values[column]);
  const auto count = std::lower_bound(states_.begin(), states_.end(), space.singles);
  singles.resize(static_cast<size_t>(count - states_.begin()));
  set_singles(std::move(singles));
  learn_cells(space, column);
}

void ColumnSymbols::set_singles(std::vector<float> singles) {
  singles_ = std::move(singles);
  for (const float x : singles_) {
    int64_t units = 0;
    if (units_of(x, &units) && (units - from_) % step_ == 0) {
      taken_.push_back((units - from_) / step_);
    }
  }
}

/// The first place of the grid at a knot or behind it.
int64_t ColumnSymbols::first_place(double knot) const {
  const double units = (knot + column_origin_) * per_unit_ - static_cast<double>(from_);
  const double place = std::ceil(units / static_cast<double>(step_));
  return static_cast<int64_t>(std::min(std::max(place, -kMostPlaces), kMostPlaces));
}

void ColumnSymbols::learn_cells(const StateSpace& space, int64_t column) {
  constexpr float kMostRows = 1e6;
  const auto knots = floats_of(space.knots[column]);
  const auto before = floats_of(space.cumulated[column]);
  std::vector<int64_t> ends;
  std::vector<uint32_t> rows;
  for (size_t i = 0; i < knots.size() && std::isfinite(knots[i]); ++i) {
    ends.push_back(first_place(knots[i]));
    if (i == 0) continue;
    rows.push_back(
        static_cast<uint32_t>(std::min(std::max(0.F, before[i] - before[i - 1]), kMostRows)));
  }
  set_cells(ends, rows);
  const auto width = std::max<int64_t>(1, space.cells[column].item<int64_t>());
  const auto n = static_cast<int64_t>(cells_.size());
  for (size_t i = singles_.size(); i < states_.size(); ++i) {
    const int64_t first = std::min(n, (states_[i] - space.singles) * width);
    add_range(first, std::min(n, first + width));
  }
}

/// `ends`: one more than there are cells.
void ColumnSymbols::set_cells(const std::vector<int64_t>& ends, const std::vector<uint32_t>& rows) {
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto from = std::lower_bound(taken_.begin(), taken_.end(), ends[i]);
    const auto to = std::lower_bound(from, taken_.end(), std::max(ends[i], ends[i + 1]));
    const int64_t places = std::max<int64_t>(0, ends[i + 1] - ends[i] - (to - from));
    cells_.push_back({ends[i], places, places > 0 ? rows[i] : 0});
  }
  end_ = ends.empty() ? 0 : ends.back();
}

void ColumnSymbols::add_range(int64_t first, int64_t end) {
  Range range{first, end, {0}};
  uint64_t rows = 0;
  for (int64_t c = first; c < end; ++c) rows += cells_[static_cast<size_t>(c)].rows;
  uint64_t before = 0;
  for (int64_t c = first; c < end; ++c) {
    before += cells_[static_cast<size_t>(c)].rows;
    range.ends.push_back(rows == 0 ? 0 : static_cast<uint32_t>((before << kSymbolBits) / rows));
  }
  ranges_.push_back(std::move(range));
}

bool ColumnSymbols::units_of(float x, int64_t* units) const {
  const double scaled = (static_cast<double>(x) + column_origin_) * per_unit_;
  if (!(std::fabs(scaled) < kMostUnitsOfValue)) return false;
  *units = whole_number(scaled);
  return same_bits(value(*units), x);
}

/// As a cell of text of so many decimals is read.
float ColumnSymbols::value(int64_t units) const {
  return static_cast<float>(static_cast<double>(units) / per_unit_ - column_origin_);
}

ColumnSymbols::Found ColumnSymbols::find(float x) const {
  const Found none{beyond(), 0, 0};
  if (!numeric_) {
    const auto state = std::lower_bound(states_.begin(), states_.end(), whole_number(x));
    const bool is = state != states_.end() && same_bits(static_cast<float>(*state), x);
    return is ? Found{static_cast<size_t>(state - states_.begin()), 0, 0} : none;
  }
  const auto single = std::lower_bound(singles_.begin(), singles_.end(), x);
  if (single != singles_.end() && same_bits(*single, x)) {
    return {static_cast<size_t>(single - singles_.begin()), 0, 0};
  }
  int64_t units = 0;
  if (cells_.empty() || !units_of(x, &units) || (units - from_) % step_ != 0) return none;
  const int64_t place = (units - from_) / step_;
  const auto next = std::upper_bound(cells_.begin(), cells_.end(), place,
                                     [](int64_t k, const CellOfRange& c) { return k < c.first; });
  if (next == cells_.begin()) return none;
  const auto cell = (next - cells_.begin()) - 1;
  for (size_t r = 0; r < ranges_.size(); ++r) {
    if (cell < ranges_[r].first_cell || cell >= ranges_[r].end_cell) continue;
    const auto& c = cells_[static_cast<size_t>(cell)];
    const auto from = std::lower_bound(taken_.begin(), taken_.end(), c.first);
    const auto to = std::lower_bound(from, taken_.end(), place);
    const int64_t inside = place - c.first - (to - from);
    const bool is_taken = to != taken_.end() && *to == place;
    const auto i = static_cast<size_t>(cell - ranges_[r].first_cell);
    const bool never = ranges_[r].ends[i] == ranges_[r].ends[i + 1];
    if (is_taken || never || inside >= c.places) return none;
    return {singles_.size() + r, inside, cell};
  }
  return none;
}

size_t ColumnSymbols::symbol(float x) const { return find(x).symbol; }

void ColumnSymbols::put_rest(size_t symbol, float x, SymbolWriter& out) const {
  if (symbol == beyond()) {
    int64_t units = 0;
    const bool near =
        numeric_ && units_of(x, &units) && units >= from_ - span_ && units <= from_ + 2 * span_;
    out.put_bits(near ? 0 : 1, 1);
    if (near) {
      out.put_uniform(static_cast<uint64_t>(units - from_ + span_), near_places());
    } else {
      out.put_float(x);
    }
  } else if (symbol >= singles_.size() && numeric_) {
    const auto found = find(x);
    const auto& range = ranges_[symbol - singles_.size()];
    out.put(static_cast<size_t>(found.cell - range.first_cell), range.ends);
    const auto& c = cells_[static_cast<size_t>(found.cell)];
    out.put_uniform(static_cast<uint64_t>(found.place), static_cast<uint64_t>(c.places));
  }
}

float ColumnSymbols::take_rest(size_t symbol, SymbolReader& in) const {
  if (symbol == beyond()) {
    if (in.take_bits(1) == 1) return in.take_float();
    return value(from_ - span_ + static_cast<int64_t>(in.take_uniform(near_places())));
  }
  if (!numeric_) return static_cast<float>(states_[symbol]);
  if (symbol < singles_.size()) return singles_[symbol];
  const auto& range = ranges_[symbol - singles_.size()];
  // A range without rows is never written.
  check(range.ends.back() != 0, "[coding] column: the bits name a range that holds nothing");
  const auto cell = range.first_cell + static_cast<int64_t>(in.take(range.ends));
  const auto& c = cells_[static_cast<size_t>(cell)];
  int64_t place = c.first + static_cast<int64_t>(in.take_uniform(static_cast<uint64_t>(c.places)));
  for (auto t = std::lower_bound(taken_.begin(), taken_.end(), c.first);
       t != taken_.end() && *t <= place; ++t) {
    ++place;
  }
  return value(from_ + place * step_);
}

void ColumnSymbols::write(SideWriter& out) const {
  out.number(numeric_);
  out.number(states_.size());
  int64_t last = 0;
  for (const int64_t state : states_) out.difference(state - std::exchange(last, state));
  if (!numeric_) return;
  for (const int64_t n : {from_, step_, span_}) out.difference(n);
  out.number(singles_.size());
  last = from_;
  for (const float x : singles_) {
    int64_t units = 0;
    uint32_t bits = 0;
    std::memcpy(&bits, &x, sizeof bits);
    const bool whole = units_of(x, &units);
    out.number(whole);
    whole ? out.difference(units - std::exchange(last, units)) : out.number(bits);
  }
  out.number(cells_.size());
  last = 0;
  for (const auto& c : cells_) out.difference(c.first - std::exchange(last, c.first));
  out.difference(end_ - last);
  for (const auto& c : cells_) out.number(c.rows);
  for (const auto& r : ranges_) {
    out.number(static_cast<uint64_t>(r.first_cell));
    out.number(static_cast<uint64_t>(r.end_cell));
  }
}

ColumnSymbols::ColumnSymbols(SideReader& in, const Column& written)
    : ColumnSymbols(in.number() != 0, written) {
  check(numeric_ == written.numeric(), "[coding] column ", written.name, ": the model's differs");
  int64_t last = 0;
  for (uint64_t left = in.count(); left > 0; --left) {
    states_.push_back(last = bounded(in.difference(), last));
  }
  if (!numeric_) return;
  from_ = bounded(in.difference(), 0);
  step_ = std::max<int64_t>(1, bounded(in.difference(), 0));
  span_ = std::max<int64_t>(1, bounded(in.difference(), 0));
  std::vector<float> singles(static_cast<size_t>(in.count()));
  last = from_;
  for (auto& x : singles) {
    if (in.number() != 0) {
      x = value(last = bounded(in.difference(), last));
      continue;
    }
    const auto bits = static_cast<uint32_t>(in.number());
    std::memcpy(&x, &bits, sizeof x);
  }
  set_singles(std::move(singles));
  std::vector<int64_t> ends;
  std::vector<uint32_t> rows(static_cast<size_t>(in.count()));
  last = 0;
  for (size_t i = 0; i <= rows.size(); ++i) {
    ends.push_back(last = bounded(in.difference(), last));
  }
  for (auto& r : rows) r = static_cast<uint32_t>(std::min<uint64_t>(in.number(), 1000000));
  set_cells(ends, rows);
  check(singles_.size() <= states_.size(), "[coding] column ", written.name,
        ": has no such states");
  for (size_t i = singles_.size(); i < states_.size(); ++i) {
    const auto n = static_cast<uint64_t>(cells_.size());
    const auto first = std::min(in.number(), n), end = std::min(in.number(), n);
    add_range(static_cast<int64_t>(first), static_cast<int64_t>(end));
  }
}

}  // namespace elbo

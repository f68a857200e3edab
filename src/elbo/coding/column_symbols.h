#pragma once

#include <vector>

#include "elbo/coding/symbol_list.h"
#include "elbo/data/column.h"
#include "elbo/distributions/states.h"

namespace elbo {

/// The values of one column of numbers or classes as symbols: each state that the column uses, then
/// one for values that no state can give back, then one for a missing cell. Values within a range
/// are those of so many decimals: a cell by its rows, then any place of the cell's grid that is not
/// a single value. All of it in whole numbers, so that both ends agree on them.
class ColumnSymbols {
 public:
  ColumnSymbols(const StateSpace& space, int64_t column, const Column& written);

  /// Which of the space's states each symbol is, without the last two.
  const std::vector<int64_t>& states() const { return states_; }
  size_t beyond() const { return states_.size(); }
  size_t missing() const { return states_.size() + 1; }

  size_t symbol(float x) const;
  /// What follows x's symbol, as symbol() found it.
  void put_rest(size_t symbol, float x, SymbolWriter& out) const;
  float take_rest(size_t symbol, SymbolReader& in) const;

 private:
  struct CellOfRange {
    int64_t first, places;  // on the grid; without single values
    uint32_t rows_before, rows;
  };
  struct Range {
    int64_t first_cell, end_cell;
    std::vector<uint32_t> ends;  // of the cells' shares in 2^24
  };
  /// Where x lies: its symbol, and a place on the grid.
  struct Found {
    size_t symbol;
    int64_t place, cell;
  };
  Found find(float x) const;
  void learn_cells(const StateSpace& space, int64_t column);
  void add_range(int64_t first, int64_t end);
  int64_t first_place(double knot) const;
  /// The whole number of units that x is; false where it is none.
  bool units_of(float x, int64_t* units) const;
  float value(int64_t units) const;

  bool numeric_;
  double per_unit_, column_origin_;
  std::vector<int64_t> states_;
  std::vector<float> singles_;      // by symbol, the first ones
  std::vector<int64_t> taken_;      // places on the grid that single values take, rising
  std::vector<CellOfRange> cells_;  // rising
  std::vector<Range> ranges_;       // by symbol behind the single values
  int64_t from_ = 0, step_ = 1;     // the grid, in units
  int64_t lowest_ = 0, width_ = 1;  // of what is coded as near the range, in units
};

}  // namespace elbo

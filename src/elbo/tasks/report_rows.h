#pragma once

#include <memory>
#include <string>

#include "elbo/data/row_view.h"
#include "elbo/tasks/report_parts.h"

namespace elbo {

/// The sections of a report that show rows, for one view of them. Each is HTML, empty where there
/// is nothing to show.
class RowSections {
 public:
  explicit RowSections(Reported& reported) : r_(reported), s_(*reported.subject) {}
  virtual ~RowSections() = default;
  /// What the columns of a table are.
  virtual std::string columns() { return ""; }
  /// From the prior.
  virtual std::string samples() = 0;
  /// Rows of the data beside what is decoded from their codes, or how far these are off.
  virtual std::string reconstructions() = 0;
  /// What single dimensions of the code change.
  virtual std::string traversals() { return ""; }
  /// Between the codes of two rows; asked for only where there are two.
  virtual std::string interpolations() { return ""; }

 protected:
  /// [n, …] conditions of `row`, repeated; undefined where the model has none.
  Tensor condition(int64_t row, int64_t n) const;
  /// Means of p(x | codes) under it.
  Tensor decoded(const Tensor& codes, int64_t row) const;
  /// The same along the straight way from the code of `row` to that of the next.
  Tensor way(int64_t row, int64_t steps) const;

  Reported& r_;
  Subject& s_;
};

/// Pictures in tiles of at most `side` pixels.
std::unique_ptr<RowSections> sections_of(Reported& r, const PictureView& view, int64_t side);
std::unique_ptr<RowSections> sections_of(Reported& r, const MoleculeView& view);
std::unique_ptr<RowSections> sections_of(Reported& r, const TextView& view);
/// Columns in their own spelling, and how they go together.
std::unique_ptr<RowSections> sections_of(Reported& r, const TableView& view);
/// Numbers: their marginals and correlations. `names` may be fewer than there are numbers.
std::unique_ptr<RowSections> sections_of(Reported& r, const std::vector<std::string>& names);

std::unique_ptr<RowSections> row_sections(Reported& r, int64_t side);

}  // namespace elbo

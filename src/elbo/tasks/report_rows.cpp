#include "elbo/tasks/report_rows.h"

#include "elbo/tasks/walks.h"

namespace elbo {

Tensor RowSections::condition(int64_t row, int64_t n) const {
  const auto c = s_.batch().c;
  return c.defined() ? c.narrow(0, row, 1).expand(with_rows(n, s_.schemas().c.shape)) : c;
}

Tensor RowSections::decoded(const Tensor& codes, int64_t row) const {
  return decode_codes(s_.model(), s_.layout(), codes, condition(row, codes.size(0)))->mean();
}

Tensor RowSections::way(int64_t row, int64_t steps) const {
  const auto& means = s_.codes().mean;
  return decoded(walk(s_.layout(), means[row], means[row + 1], steps), row);
}

std::unique_ptr<RowSections> row_sections(Reported& r, int64_t side) {
  return std::visit(Cases{[&](const PictureView& v) { return sections_of(r, v, side); },
                          [&](const MoleculeView& v) { return sections_of(r, v); },
                          [&](const TextView& v) { return sections_of(r, v); },
                          [&](const TableView& v) { return sections_of(r, v); },
                          [&](const NumberView& v) { return sections_of(r, v.names()); }},
                    view_of(r.subject->schemas().x));
}

}  // namespace elbo

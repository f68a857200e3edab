#pragma once

#include "elbo/core/options.h"
#include "elbo/data/dataset.h"
#include "elbo/data/row_view.h"

namespace elbo {

/// Digits after the point of the numbers that a page shows.
inline constexpr int64_t kShownDecimals = 5;

/// The numbers of a tensor as one list, rounded for reading; null where one is not finite.
Json number_list(const Tensor& values);
/// A code's numbers without loss: what is decoded from them is what was drawn or encoded.
Json code_list(const Tensor& code);

/// Rows as the page and the API show them: a picture (data:image/png), a molecule (its drawing, or
/// its SMILES where the build cannot draw), named cells, a text or numbers.
Json rows_json(const RowView& view, const Tensor& x);
/// What a page needs to know before it shows any: whether a row is a "picture" to it, whether rows
/// are "molecules", the "columns" of a table.
Json look_json(const RowView& view);

/// One row from named cells; columns that are not named are missing. Raises an Error where the
/// table has no column of a name, or it has no such cell.
Batch row_of_cells(const TableView& table, const Json& cells);

}  // namespace elbo

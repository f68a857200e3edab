#pragma once

#include "elbo/capi/handles.h"

namespace elbo::capi {

/// Adds a column to a table. Raises an Error for a name that is empty or there already.
void add_column(elbo_table& table, MemoryColumn column);
/// Appends one cell to a column of texts.
void append_text(MemoryColumn& column, std::string_view text);

}  // namespace elbo::capi

#pragma once

#include "elbo/capi/handles.h"

namespace elbo::capi {

/// The rows as elbo train reads them.
Data open_given(const elbo_data& data);
/// The rows as a run reads them, held to its schema. An array that already looks like the run's
/// rows is taken as it is, without a look at all of its values.
/// `odd`: cells that training has not seen.
Data open_for(const elbo_run& run, const elbo_data& data, OddCells odd = OddCells::kRefused);
/// The data's own rows and split for a task that has such options, where the caller names none.
/// Raises an Error where the task has no such option.
void use_rows_of(const elbo_data& data, const std::vector<OptionHelp>& known, Json& options);

}  // namespace elbo::capi

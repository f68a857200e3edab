#pragma once

#include "elbo/capi/handles.h"

namespace elbo::capi {

/// The rows as elbo train reads them.
Data open_given(const elbo_data& data);
/// The rows as a run reads them, held to its schema. An array that already looks like the run's
/// rows is taken as it is, without a look at all of its values.
Data open_for(const elbo_run& run, const elbo_data& data);

}  // namespace elbo::capi

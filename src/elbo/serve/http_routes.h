#pragma once

#include "elbo/serve/explorer.h"
#include "elbo/serve/http_bounded.h"
#include "elbo/serve/jobs.h"

namespace elbo {

/// What is asked of whom. Errors become answers with a status.
void add_routes(httplib::Server& server, Explorer& explorer, Jobs& jobs);

}  // namespace elbo

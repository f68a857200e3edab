#pragma once

#include "elbo/serve/explorer.h"
#include "elbo/serve/http_bounded.h"
#include "elbo/serve/jobs.h"
#include "elbo/serve/run_report.h"

namespace elbo {

/// What is asked of whom. Errors become answers with a status.
void add_routes(httplib::Server& server, Explorer& explorer, RunReport& report, Jobs& jobs);

}  // namespace elbo

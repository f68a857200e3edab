#pragma once

#include "elbo/serve/access.h"
#include "elbo/serve/http_bounded.h"

namespace elbo {

/// What every request is held against before its body is read: its frame, whom it calls, who asks;
/// and what is said to one that breaks off. Both must live as long as the server.
void set_rules(httplib::Server& server, const Access& access, const HttpLimits& limits);

}  // namespace elbo

#pragma once

#include <httplib.h>

#include <functional>

#include "elbo/core/options.h"

namespace elbo {

/// {"error": why} with a status.
void answer_error(httplib::Response& response, int status, std::string why);
/// The body as JSON, an empty one as {}. Raises an Error where it is not JSON or too deep.
Json body_of(const httplib::Request& request);
/// An answer, or 400 for a question that makes no sense, or 500 for a defect.
httplib::Server::Handler guarded(std::function<Json(const httplib::Request&)> f);

}  // namespace elbo

#pragma once

#include <stdexcept>
#include <string>

namespace elbo {

/// What cannot be answered, and the HTTP status that says why.
struct HttpError : std::runtime_error {
  HttpError(int code, const std::string& why) : std::runtime_error(why), status(code) {}
  int status;
};

}  // namespace elbo

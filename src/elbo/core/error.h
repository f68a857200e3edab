#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

#include "elbo/core/api.h"

namespace ELBO_API elbo {

/// The one exception for what a user can fix; anything else that is thrown is a bug of ours.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Raises an Error of the form "[where] which thing: what was found, what is allowed".
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  throw Error(text.str());
}

template <class... Parts>
void check(bool ok, const Parts&... parts) {
  if (!ok) fail(parts...);
}

}  // namespace elbo

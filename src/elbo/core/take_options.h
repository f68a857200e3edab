#pragma once

#include "elbo/core/options.h"

namespace elbo {

/// These options, taken out of a declaration that holds others, too.
template <class Options>
Options take_options(Json& declaration, const std::string& where) {
  Json own = Json::object();
  for (const auto& option : describe<Options>()) {
    if (!declaration.is_object() || !declaration.contains(option.name)) continue;
    own[option.name] = declaration[option.name];
    declaration.erase(option.name);
  }
  return read_options<Options>(own, where);
}

}  // namespace elbo

#pragma once

#include <string>

#include "elbo/data/schema.h"

namespace elbo {

/// A schema from a file that anybody may have written: lists that readers and networks index have
/// the type and length that its shape asks for. An Error names `where` and the entry.
Schema stored_schema(const Json& j, const std::string& where);

}  // namespace elbo

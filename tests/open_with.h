#pragma once

#include "elbo/data/dataset.h"
#include "elbo/data/open.h"

namespace elbo {

/// Data opened with a reader's own options, as a model knows them where `like` is given.
inline Data open_with(const std::string& path, const Json& reader = Json::object(),
                      std::shared_ptr<const Schemas> like = nullptr) {
  DataOptions options;
  options.reader = reader;
  options.like = std::move(like);
  return open_data(path, options);
}

}  // namespace elbo

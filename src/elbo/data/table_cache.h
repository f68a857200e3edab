#pragma once

#include <memory>
#include <string>

#include "elbo/data/row_store.h"

namespace elbo {

/// What reading a table has made of a file.
struct StoredRows {
  std::shared_ptr<RowStore> rows;
  Schemas schemas;
  std::shared_ptr<const RowTexts> texts = nullptr;  // where they are kept
};

/// The rows that an earlier reading left in the folder, where the file and everything that decides
/// how it is read (`how`) are the same; else those that `read` makes, which are left there. An
/// empty folder name keeps nothing.
/// `like`: what the rows must look like; then those that an earlier reading found to be so by
/// itself will do, and nothing is written.
StoredRows cached_rows(const std::string& folder, const std::string& file, const Json& how,
                       const Schemas* like, const std::function<StoredRows()>& read);

}  // namespace elbo

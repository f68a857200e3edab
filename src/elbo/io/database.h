#pragma once

#include <memory>

#include "elbo/io/records.h"

namespace elbo {

/// What is read of a database: a table or view, or the rows of a query; with neither its only
/// table.
struct DatabasePart {
  std::string table, query;
};

/// Whether this build reads databases, and whether a file begins as one of SQLite does.
bool has_databases();
bool is_database(const std::string& path);
/// Raises an Error where it does not.
void check_database(const std::string& path);
/// The rows of an SQLite database, which is opened for reading only; the first record names the
/// columns, a cell that is NULL is empty, a BLOB is spelled X'…'. Raises an Error that names the
/// tables there are, or what SQLite found wrong with the query or the file.
std::unique_ptr<Records> open_database(const std::string& path, const DatabasePart& part);

}  // namespace elbo

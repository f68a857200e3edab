#include "elbo/core/error.h"
#include "elbo/io/database.h"

namespace elbo {

bool has_databases() { return false; }

std::unique_ptr<Records> open_database(const std::string& path, const DatabasePart&) {
  fail("[sqlite] ", path,
       ": this build reads no databases; install libsqlite3-dev and build again");
}

}  // namespace elbo

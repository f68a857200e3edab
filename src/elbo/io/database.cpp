#include "elbo/io/database.h"

#include <filesystem>
#include <fstream>

#include "elbo/core/error.h"

namespace elbo {

bool is_database(const std::string& path) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return false;  // a pipe is read only once
  char head[16] = {};
  std::ifstream file(path, std::ios::binary);
  return file.read(head, sizeof head) && std::string_view(head, sizeof head) == kMagic;
}

void check_database(const std::string& path) {
  std::error_code ignored;
  check(std::filesystem::exists(path, ignored), "[sqlite] ", path, ": no such file");
  check(is_database(path), "[sqlite] ", path,
        ": is not an SQLite database (one begins with \"SQLite format 3\")");
}

}  // namespace elbo

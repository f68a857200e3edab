#include "fuzz/harness.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "elbo/core/error.h"

namespace elbo::fuzzing {
namespace {

std::vector<Harness>& registered() {
  static std::vector<Harness> all;
  return all;
}

/// Vanishes with the process.
class OwnFolder {
 public:
  OwnFolder() {
    const char* memory = "/dev/shm";
    const bool here = ::access(memory, W_OK) == 0;
    auto pattern = (here ? std::filesystem::path(memory) : std::filesystem::temp_directory_path()) /
                   "elbo-fuzz-XXXXXX";
    path_ = pattern.string();
    must(::mkdtemp(path_.data()) != nullptr, "no temporary folder");
  }
  ~OwnFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

std::vector<Harness> harnesses() {
  auto all = registered();
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

bool add_harness(const char* name, Read read) {
  registered().push_back({name, read});
  return true;
}

bool run_harness(const Harness& harness, std::string_view bytes) {
  try {
    harness.read(bytes);
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::string file_of(std::string_view bytes, const std::string& ending) {
  static const OwnFolder folder;
  const auto path = folder.path() + "/x" + ending;
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<long>(bytes.size()));
  return path;
}

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

}  // namespace elbo::fuzzing

#pragma once

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "elbo/core/error.h"
#include "elbo/core/random.h"

namespace elbo {

/// A folder that vanishes with the test.
class TempFolder {
 public:
  TempFolder() {
    auto pattern = (std::filesystem::temp_directory_path() / "elbo-test-XXXXXX").string();
    check(::mkdtemp(pattern.data()) != nullptr, "no temporary folder");
    path_ = pattern;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string at(const std::string& name) const { return (path_ / name).string(); }
  /// Writes a file (its folders too) and returns its path.
  std::string file(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return at(name);
  }

 private:
  std::filesystem::path path_;
};

/// The message of the Error that f raises; empty where it raises none. Others pass through.
template <class F>
std::string error_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// Damages a valid file in `rounds` ways (changed bytes, cut, grown) and hands each to f, which may
/// succeed or raise an Error; anything else ends the test. Returns how many raised.
template <class F>
int64_t fuzz(const std::string& valid, int64_t rounds, const F& f) {
  const uint64_t key = Draw{}.key("fuzz");
  uint64_t at = 0;
  int64_t refused = 0;
  const auto below = [&](size_t n) { return static_cast<size_t>(bits_at(key, at++) % n); };
  for (int64_t round = 0; round < rounds; ++round) {
    auto bytes = valid;
    for (size_t changes = 1 + below(4); changes-- > 0;) {
      // Headers are short and matter most: half of the changes fall on the first bytes.
      const size_t reach = below(2) ? bytes.size() : std::min<size_t>(bytes.size(), 160);
      bytes[below(reach)] = static_cast<char>(below(3) ? below(256) : (below(2) ? 0xff : 0));
    }
    if (below(8) == 0) bytes.resize(below(bytes.size()) + 1);
    if (below(16) == 0) bytes += std::string(1 + below(20), '\x01');
    refused += error_of([&] { f(bytes); }).empty() ? 0 : 1;
  }
  return refused;
}

/// Where real public data lie ($ELBO_DATA, or beside the checkout); empty where absent.
inline std::string real_data(const std::string& name) {
  const char* given = std::getenv("ELBO_DATA");
  const auto folder = given ? std::filesystem::path(given)
                            : std::filesystem::path(ELBO_SOURCE_DIR) / ".." / "shared" / "data";
  std::error_code ignored;
  return std::filesystem::exists(folder / name, ignored) ? (folder / name).string() : "";
}

}  // namespace elbo

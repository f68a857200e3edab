#include <doctest/doctest.h>

#include <cstdlib>

#include "files.h"
#include "fuzz/harness.h"

namespace elbo {
namespace {

std::vector<std::string> contents_of(const std::filesystem::path& folder) {
  std::vector<std::string> texts;
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator(folder, absent)) {
    std::ifstream file(entry.path(), std::ios::binary);
    texts.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return texts;
}

const std::string kFuzz = ELBO_SOURCE_DIR "/tests/fuzz";

}  // namespace

TEST_CASE("bytes from outside: seeds are read, damaged ones and kept finds refused or read") {
  const TempFolder folder;
  const auto seeds = folder.at("seeds");
  REQUIRE(std::system(("python3 '" + kFuzz + "/seeds.py' '" + seeds + "'").c_str()) == 0);
  const auto all = fuzzing::harnesses();
  CHECK(all.size() >= 10);
  for (const auto& harness : all) {
    CAPTURE(harness.name);
    const auto valid = contents_of(seeds + "/" + harness.name);
    REQUIRE(!valid.empty());
    int64_t read = 0;
    for (const auto& bytes : valid) {
      read += run_harness(harness, bytes) ? 1 : 0;
      fuzz(bytes, 8, [&](const std::string& damaged) { run_harness(harness, damaged); });
    }
    CHECK(read > 0);
    for (const auto& bytes : contents_of(kFuzz + "/kept/" + harness.name))
      run_harness(harness, bytes);
  }
}

}  // namespace elbo

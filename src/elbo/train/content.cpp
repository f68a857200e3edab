#include "elbo/train/content.h"

#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "elbo/data/dataset.h"

namespace elbo {
namespace {

constexpr int64_t kWhole = int64_t{1} << 28;  // bytes of a file that are all read
constexpr int64_t kEnd = int64_t{1} << 26;    // of a larger one, at each end

/// A path, or that before a colon: "shop.db:orders".
std::string file_of(const std::string& source) {
  std::error_code ignored;
  const auto path = data_path(source);
  if (std::filesystem::is_regular_file(path, ignored)) return path;
  const auto colon = path.rfind(':');
  const auto before = colon == std::string::npos ? "" : path.substr(0, colon);
  return std::filesystem::is_regular_file(before, ignored) ? before : "";
}

void add_bytes(std::ifstream& file, int64_t from, int64_t count, uint32_t& sum) {
  std::string block(size_t{1} << 20, '\0');
  file.seekg(from);
  while (count > 0 && file) {
    file.read(block.data(), std::min<int64_t>(count, static_cast<int64_t>(block.size())));
    const auto got = file.gcount();
    sum = static_cast<uint32_t>(
        crc32(sum, reinterpret_cast<const Bytef*>(block.data()), static_cast<uInt>(got)));
    count -= got;
    if (got == 0) break;
  }
}

}  // namespace

Json content_of(const std::string& source) {
  const auto path = file_of(source);
  if (path.empty()) return nullptr;
  std::error_code failed;
  const auto bytes = static_cast<int64_t>(std::filesystem::file_size(path, failed));
  std::ifstream file(path, std::ios::binary);
  if (failed || !file) return nullptr;
  uint32_t sum = 0;
  if (bytes <= kWhole) {
    add_bytes(file, 0, bytes, sum);
  } else {
    add_bytes(file, 0, kEnd, sum);
    add_bytes(file, bytes - kEnd, kEnd, sum);
  }
  return {{"bytes", bytes}, {"crc32", sum}};
}

void check_content(const Json& data_facts) {
  const auto then = data_facts.value("content", Json());
  const auto source = data_facts.value("source", "");
  if (then.is_null()) return;
  const auto now = content_of(source);
  check(now.is_null() || now == then, "[train] ", source,
        ": has changed since the run began: ", then.value("bytes", int64_t{0}), " bytes (crc32 ",
        then.value("crc32", uint32_t{0}), ") then, ", now.value("bytes", int64_t{0}),
        " bytes (crc32 ", now.value("crc32", uint32_t{0}), ") now; train anew with --out");
}

}  // namespace elbo

#include "elbo/coding/container.h"

#include <zlib.h>

#include <algorithm>
#include <filesystem>

#include "elbo/core/error.h"
#include "elbo/io/json_text.h"
#include "elbo/io/sha256.h"

namespace elbo {
namespace {

constexpr std::string_view kMagic(
    "\x89"
    "elbo\r\n\x1a",
    8);
constexpr uint32_t kFormat = 1;
constexpr int64_t kMostBlockRows = 1 << 20;

uint32_t checksum(std::string_view bytes) {
  return static_cast<uint32_t>(crc32_z(
      crc32_z(0, nullptr, 0), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

void append(std::string& to, uint32_t word) {
  for (int shift = 0; shift < 32; shift += 8) to += static_cast<char>(word >> shift & 0xff);
}

std::string as_bytes(const std::vector<uint32_t>& words) {
  std::string bytes;
  bytes.reserve(4 * words.size());
  for (const uint32_t word : words) append(bytes, word);
  return bytes;
}

/// Takes a file apart from its beginning.
class Parts {
 public:
  Parts(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  std::string_view take(uint64_t count, const char* what) {
    check(count <= bytes_.size(), "[decompress] ", where_, ": it ends within ", what);
    const auto part = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return part;
  }
  std::string_view checked(uint64_t count, uint64_t sum, const std::string& what) {
    const auto part = take(count, what.c_str());
    check(checksum(part) == sum, "[decompress] ", where_, ": ", what, " is damaged");
    return part;
  }
  uint32_t word(const char* what) { return word_of(take(4, what), 0); }
  static uint32_t word_of(std::string_view bytes, size_t at) {
    uint32_t value = 0;
    for (size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
  }
  bool empty() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  const std::string& where_;
};

/// A list of `size` whole numbers that are not negative.
std::vector<uint64_t> numbers(const Json& list, size_t size, const std::string& where) {
  check(list.is_array() && list.size() == size &&
            std::all_of(list.begin(), list.end(),
                        [](const Json& n) { return n.is_number_unsigned(); }),
        "[decompress] ", where, ": its header is none that compress writes");
  return list.get<std::vector<uint64_t>>();
}

}  // namespace

std::string pack(const Container& container) {
  auto header = container.facts;
  header["side"] = {container.side.size(), checksum(container.side)};
  header["blocks"] = Json::array();
  std::string blocks;
  for (const auto& block : container.blocks) {
    const auto bytes = as_bytes(block.words);
    header["blocks"].push_back({block.rows, bytes.size(), checksum(bytes)});
    blocks += bytes;
  }
  const auto text = header.dump();
  std::string all(kMagic);
  append(all, kFormat);
  append(all, static_cast<uint32_t>(text.size()));
  append(all, checksum(text));
  return all + text + container.side + blocks;
}

Container unpack(std::string_view bytes, const std::string& where) {
  Parts parts(bytes, where);
  check(bytes.starts_with(kMagic), "[decompress] ", where, ": is not a file of elbo compress");
  parts.take(kMagic.size(), "its head");
  const auto format = parts.word("its head");
  check(format == kFormat, "[decompress] ", where, ": format ", format, ", this program reads ",
        kFormat);
  const auto length = parts.word("its head"), sum = parts.word("its head");
  Container container;
  container.facts = try_parse_json(parts.checked(length, sum, "its header"));
  check(container.facts.is_object() && container.facts.value("blocks", Json()).is_array(),
        "[decompress] ", where, ": its header is none that compress writes");
  const auto side = numbers(container.facts.value("side", Json()), 2, where);
  container.side = std::string(parts.checked(side[0], side[1], "what it says beside its rows"));
  for (const auto& entry : container.facts["blocks"]) {
    const auto [rows, size, crc] = [&] {
      const auto list = numbers(entry, 3, where);
      return std::tuple(list[0], list[1], list[2]);
    }();
    check(rows > 0 && rows <= kMostBlockRows && size % 4 == 0, "[decompress] ", where,
          ": its header is none that compress writes");
    const auto name = "block " + std::to_string(container.blocks.size() + 1);
    const auto content = parts.checked(size, crc, name);
    Container::Block block{static_cast<int64_t>(rows), {}};
    for (size_t at = 0; at < content.size(); at += 4) {
      block.words.push_back(Parts::word_of(content, at));
    }
    container.blocks.push_back(std::move(block));
  }
  check(parts.empty(), "[decompress] ", where, ": more follows after its last block");
  return container;
}

std::string unpacked_name(const std::string& path, const std::string& otherwise) {
  auto name = std::filesystem::path(path).filename().string();
  if (name.ends_with(kPackedEnding)) name.resize(name.size() - kPackedEnding.size());
  return name.empty() ? otherwise : name;
}

std::string weights_hash(const Model& model) {
  std::vector<std::pair<std::string, Tensor>> all;
  for (const auto& p : model.named_parameters()) all.emplace_back(p.key(), p.value());
  for (const auto& b : model.named_buffers()) all.emplace_back(b.key(), b.value());
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  Sha256 hash;
  for (const auto& [name, tensor] : all) {
    const auto plain = tensor.detach().to(torch::kCPU).contiguous();
    hash.add(name + " " + torch::toString(plain.scalar_type()) + " " +
             to_string(Shape(plain.sizes().vec())) + "\n");
    if (plain.numel() > 0) hash.add({static_cast<const char*>(plain.data_ptr()), plain.nbytes()});
  }
  return hash.digits();
}

}  // namespace elbo

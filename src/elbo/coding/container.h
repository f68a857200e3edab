#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "elbo/core/options.h"
#include "elbo/model/model.h"

namespace elbo {

constexpr std::string_view kPackedEnding = ".elbo";

/// A compressed file, format 1. All numbers are little-endian:
///   8 bytes    0x89 'e' 'l' 'b' 'o' CR LF 0x1a
///   uint32     1, the format
///   uint32     bytes of the header; uint32 its CRC-32
///   header     JSON: {"model": SHA-256 of the weights, "model_name", "kind", "rows",
///              "sha256" and "size" of the file, "side": [bytes, CRC-32],
///              "blocks": [[rows, bytes, CRC-32], …]}
///   side       what the file is beside its rows
///   blocks     words of 32 bits of a RowCode each, which stand alone
struct Container {
  struct Block {
    int64_t rows = 0;
    std::vector<uint32_t> words;
  };
  Json facts = Json::object();  // the header without what the members below say
  std::string side;
  std::vector<Block> blocks;
};
std::string pack(const Container& container);
/// Raises an Error of what is damaged; `where` names the file.
Container unpack(std::string_view bytes, const std::string& where);

/// The file's name without the ending of packed ones; `otherwise` where nothing is left.
std::string unpacked_name(const std::string& path, const std::string& otherwise);

/// SHA-256 of a model's parameters and buffers: names, types, shapes and bytes.
std::string weights_hash(const Model& model);

}  // namespace elbo

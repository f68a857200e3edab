#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "elbo/core/tensor.h"

namespace elbo {

using TextMap = std::map<std::string, std::string>;

/// The content of a .safetensors file, in the order of its header.
struct TensorFile {
  NamedTensors tensors;
  TextMap metadata;

  /// Undefined where there is none of that name.
  Tensor find(const std::string& name) const;
};

/// Written through a temporary name; any device and layout. Types: F64 F32 F16 BF16 I64 I32 U8
/// BOOL.
void save_safetensors(const std::string& path, const NamedTensors& tensors,
                      const TextMap& metadata = {});
/// "F32", "BF16", …: the name of a type in such files.
std::string safetensors_type(torch::ScalarType type);
/// The type of that name; an Error naming `where` and the known ones where there is none.
torch::ScalarType safetensors_type(const std::string& name, const std::string& where);
/// Every number of the header is checked against the file; a defect is an Error with the path.
TensorFile load_safetensors(const std::string& path);
/// The same of the tensors alone whose names `wanted` picks; it hears of every name of the file, in
/// the header's order. What it leaves out is not read.
TensorFile load_safetensors(const std::string& path,
                            const std::function<bool(const std::string& name)>& wanted);
/// The same from memory; `where` names the source.
TensorFile parse_safetensors(std::string_view bytes, const std::string& where);

}  // namespace elbo

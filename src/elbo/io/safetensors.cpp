#include "elbo/io/safetensors.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "elbo/core/error.h"
#include "elbo/core/pages.h"
#include "elbo/io/file.h"
#include "elbo/io/json_text.h"

namespace elbo {
namespace {

using OrderedJson = nlohmann::ordered_json;

struct Type {
  const char* name;
  torch::ScalarType type;
};
constexpr Type kTypes[] = {{"F64", torch::kFloat64}, {"F32", torch::kFloat32},
                           {"F16", torch::kFloat16}, {"BF16", torch::kBFloat16},
                           {"I64", torch::kInt64},   {"I32", torch::kInt32},
                           {"U8", torch::kUInt8},    {"BOOL", torch::kBool}};
constexpr uint64_t kLarge = 1 << 20;  // bytes of a tensor that is read into its own pages
constexpr uint64_t kLongestHeader = 100'000'000;  // the limit of the reference implementation

std::string known_types() {
  std::string text;
  for (const auto& t : kTypes) text += (text.empty() ? "" : ", ") + std::string(t.name);
  return text;
}

const char* type_name(torch::ScalarType type, const std::string& where) {
  for (const auto& t : kTypes) {
    if (t.type == type) return t.name;
  }
  fail("[safetensors] ", where, ": cannot hold ", torch::toString(type),
       "; known: ", known_types());
}

/// One entry of the header, checked as far as it can be alone.
struct Entry {
  std::string name;
  torch::ScalarType type;
  Shape shape;
  uint64_t begin, end;
};

Entry read_entry(const std::string& name, const OrderedJson& j, const std::string& path) {
  const auto bad = [&](const std::string& what) {
    fail("[safetensors] ", path, ": ",
         OrderedJson(name).dump(-1, ' ', false, OrderedJson::error_handler_t::replace), ": ", what);
  };
  const auto natural = [&](const OrderedJson& v) {
    if (!v.is_number_unsigned()) bad("found " + v.dump() + ", expected a size");
    return v.get<uint64_t>();
  };
  if (!j.is_object() || j.size() != 3 || !j.contains("dtype") || !j.contains("shape") ||
      !j.contains("data_offsets")) {
    bad("expected dtype, shape and data_offsets");
  }
  const auto& dtype = j["dtype"];
  const auto known = std::find_if(std::begin(kTypes), std::end(kTypes),
                                  [&](const Type& t) { return dtype == t.name; });
  if (known == std::end(kTypes)) bad("type " + dtype.dump() + "; known: " + known_types());
  Entry entry{name, known->type, {}, 0, 0};
  if (!j["shape"].is_array()) bad("shape is not a list");
  uint64_t bytes = torch::elementSize(known->type);
  uint64_t strides = bytes;  // libtorch multiplies sizes beside a zero too
  for (const auto& v : j["shape"]) {
    const uint64_t size = natural(v);
    if (size > uint64_t{1} << 62 || __builtin_mul_overflow(bytes, size, &bytes) ||
        __builtin_mul_overflow(strides, std::max<uint64_t>(size, 1), &strides) ||
        strides >> 62 != 0) {
      bad("shape " + j["shape"].dump() + " is too large");
    }
    entry.shape.push_back(static_cast<int64_t>(size));
  }
  const auto& offsets = j["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2) bad("data_offsets: expected two numbers");
  entry.begin = natural(offsets[0]);
  entry.end = natural(offsets[1]);
  if (entry.end < entry.begin || entry.end - entry.begin != bytes) {
    bad("data_offsets " + offsets.dump() + ", but type and shape make " + std::to_string(bytes) +
        " bytes");
  }
  return entry;
}

OrderedJson parse_header(std::string_view text, const std::string& path) {
  JsonLimits limits;
  limits.depth = 4;
  auto header = parse_ordered_json(text, "[safetensors] " + path + ": header", limits);
  check(header.is_object(), "[safetensors] ", path, ": the header is not a JSON object");
  return header;
}

/// Every byte of the data belongs to exactly one tensor.
void check_layout(std::vector<Entry> entries, uint64_t size, const std::string& path) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  uint64_t at = 0;
  for (const auto& e : entries) {
    check(e.end <= size, "[safetensors] ", path, ": ", e.name, " ends at byte ", e.end,
          " of the data, the file holds ", size);
    check(e.begin == at, "[safetensors] ", path, ": ", e.name, " begins at byte ", e.begin,
          " of the data, expected ", at, " (a gap or an overlap)");
    at = e.end;
  }
  check(at == size, "[safetensors] ", path, ": holds ", size, " bytes of data, the header names ",
        at);
}

/// What a header says, checked against the size of the data behind it.
struct TensorHeader {
  std::vector<Entry> entries;
  TextMap metadata;
};

TensorHeader read_header(std::string_view text, uint64_t data_size, const std::string& where) {
  const auto json = parse_header(text, where);
  TensorHeader header;
  for (const auto& [name, value] : json.items()) {
    if (name != "__metadata__") {
      header.entries.push_back(read_entry(name, value, where));
      continue;
    }
    check(value.is_object(), "[safetensors] ", where, ": __metadata__ is not an object");
    for (const auto& [key, text] : value.items()) {
      check(text.is_string(), "[safetensors] ", where, ": metadata ", key, " is not text");
      header.metadata[key] = text.get<std::string>();
    }
  }
  check_layout(header.entries, data_size, where);
  return header;
}

uint64_t header_length(const char (&bytes)[8], uint64_t behind, const std::string& where) {
  uint64_t length = 0;
  std::memcpy(&length, bytes, sizeof length);
  check(length <= behind && length <= kLongestHeader, "[safetensors] ", where, ": header of ",
        length, " bytes announced, the file holds ", behind);
  return length;
}

/// Any other byte in a bool is undefined behaviour later.
void check_truths(const Tensor& tensor, const std::string& name, const std::string& where) {
  if (tensor.scalar_type() != torch::kBool) return;
  const auto* bytes = static_cast<const char*>(tensor.data_ptr());
  check(std::all_of(bytes, bytes + tensor.nbytes(), [](char c) { return c == 0 || c == 1; }),
        "[safetensors] ", where, ": ", name, ": a truth value is neither 0 nor 1");
}

/// read(at, to, count) copies bytes of a file of `size` bytes; only wanted tensors are read.
template <class Read>
TensorFile read_tensors(uint64_t size, const Read& read,
                        const std::function<bool(const std::string& name)>& wanted,
                        const std::string& where) {
  char first[8];
  check(size >= sizeof first, "[safetensors] ", where, ": holds ", size,
        " bytes, too few for a header");
  read(0, first, sizeof first);
  const auto length = header_length(first, size - sizeof first, where);
  std::string text(length, ' ');
  if (length > 0) read(sizeof first, text.data(), length);
  const uint64_t start = sizeof first + length;
  auto header = read_header(text, size - start, where);
  TensorFile file{{}, std::move(header.metadata)};
  for (const auto& e : header.entries) {
    if (!wanted(e.name)) continue;
    const bool large = e.end - e.begin >= kLarge;
    auto tensor = large ? empty_in_own_pages(e.shape, e.type) : torch::empty(e.shape, e.type);
    if (e.end > e.begin) read(start + e.begin, tensor.data_ptr(), e.end - e.begin);
    check_truths(tensor, e.name, where);
    file.tensors.emplace_back(e.name, tensor);
  }
  return file;
}

}  // namespace

Tensor TensorFile::find(const std::string& name) const {
  for (const auto& [key, tensor] : tensors) {
    if (key == name) return tensor;
  }
  return Tensor();
}

void save_safetensors(const std::string& path, const NamedTensors& tensors,
                      const TextMap& metadata) {
  // Wide types first keeps every tensor aligned for readers that map the file.
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return tensors[a].second.element_size() > tensors[b].second.element_size();
  });
  std::vector<size_t> begin(tensors.size());
  size_t total = 0;
  for (size_t i : order) {
    begin[i] = total;
    total += tensors[i].second.nbytes();
  }
  OrderedJson header = OrderedJson::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto& [name, tensor] = tensors[i];
    check(!header.contains(name) && name != "__metadata__", "[safetensors] ", path, ": \"", name,
          "\" is given twice or reserved");
    header[name] = {{"dtype", type_name(tensor.scalar_type(), path + ": " + name)},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {begin[i], begin[i] + tensor.nbytes()}}};
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const OrderedJson::exception&) {
    fail("[safetensors] ", path, ": a name or value is not UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t length = text.size();
  AtomicFile file(path);
  file.write({reinterpret_cast<const char*>(&length), sizeof length});
  file.write(text);
  for (size_t i : order) {
    const auto plain = tensors[i].second.detach().to(torch::kCPU).contiguous();
    file.write({static_cast<const char*>(plain.data_ptr()), plain.nbytes()});
  }
  file.commit();
}

TensorFile parse_safetensors(std::string_view bytes, const std::string& where) {
  const auto read = [&](uint64_t at, void* to, uint64_t count) {
    std::memcpy(to, bytes.data() + at, count);
  };
  return read_tensors(
      bytes.size(), read, [](const std::string&) { return true; }, where);
}

TensorFile load_safetensors(const std::string& path) {
  return load_safetensors(path, [](const std::string&) { return true; });
}

TensorFile load_safetensors(const std::string& path,
                            const std::function<bool(const std::string& name)>& wanted) {
  std::error_code none;
  check(std::filesystem::is_regular_file(path, none), "[safetensors] ", path,
        ": no such plain file");
  std::ifstream in(path, std::ios::binary);
  const auto read = [&](uint64_t at, void* to, uint64_t count) {
    in.seekg(static_cast<std::streamoff>(at));
    in.read(static_cast<char*>(to), static_cast<std::streamsize>(count));
    check(in.good(), "[safetensors] ", path, ": cannot be read to its end");
  };
  return read_tensors(std::filesystem::file_size(path, none), read, wanted, path);
}

std::string safetensors_type(torch::ScalarType type) { return type_name(type, "a type"); }

torch::ScalarType safetensors_type(const std::string& name, const std::string& where) {
  for (const auto& t : kTypes) {
    if (name == t.name) return t.type;
  }
  fail("[safetensors] ", where, ": type ", name, "; known: ", known_types());
}

}  // namespace elbo

#include "elbo/io/npy.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "elbo/core/error.h"

namespace elbo {
namespace {

/// What the header's Python dictionary says.
struct Header {
  std::string type;
  bool fortran = false;
  Shape shape;
};

/// Reads the literal {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
class HeaderReader {
 public:
  HeaderReader(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  Header read() {
    Header header;
    int seen = 0;
    expect('{');
    while (!next_is('}')) {
      const auto key = quoted();
      expect(':');
      if (key == "descr") {
        header.type = type();
        seen |= 1;
      } else if (key == "fortran_order") {
        header.fortran = truth();
        seen |= 2;
      } else if (key == "shape") {
        header.shape = shape();
        seen |= 4;
      } else {
        bad("unknown key \"" + key + "\"");
      }
      if (!next_is('}')) expect(',');
    }
    expect('}');
    skip();
    if (seen != 7 || !text_.empty()) bad("expected descr, fortran_order and shape");
    return header;
  }

 private:
  [[noreturn]] void bad(const std::string& what) const {
    fail("[npy] ", where_, ": header: ", what);
  }
  void skip() {
    while (!text_.empty() && std::isspace(static_cast<unsigned char>(text_[0]))) {
      text_.remove_prefix(1);
    }
  }
  bool next_is(char c) {
    skip();
    return !text_.empty() && text_[0] == c;
  }
  void expect(char c) {
    if (!next_is(c)) bad(std::string("expected ") + c);
    text_.remove_prefix(1);
  }
  std::string quoted() {
    const char quote = next_is('"') ? '"' : '\'';
    expect(quote);
    const auto end = text_.find(quote);
    if (end == std::string_view::npos) bad("text without an end");
    const std::string word(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return word;
  }
  std::string type() {
    if (next_is('[')) bad("records are not supported, expected one number per element");
    return quoted();
  }
  bool truth() {
    skip();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(0, word.size()) != word) continue;
      text_.remove_prefix(word.size());
      return value;
    }
    bad("fortran_order is neither True nor False");
  }
  Shape shape() {
    Shape sizes;
    expect('(');
    while (!next_is(')')) {
      int64_t size = 0;
      size_t digits = 0;
      for (; digits < text_.size() && std::isdigit(static_cast<unsigned char>(text_[digits]));
           ++digits) {
        if (digits > 15) bad("shape is too large");
        size = size * 10 + (text_[digits] - '0');
      }
      if (digits == 0) bad("shape holds something that is not a size");
      text_.remove_prefix(digits);
      if (next_is('L')) expect('L');  // Python 2
      sizes.push_back(size);
      if (!next_is(')')) expect(',');
    }
    expect(')');
    return sizes;
  }

  std::string_view text_;
  const std::string& where_;
};

/// uint16, uint32 and uint64 are unknown to libtorch 1.13: read as signed, then widened.
Tensor widened(const Tensor& raw, const std::string& type, const std::string& where) {
  if (type == "u2") return raw.to(torch::kInt32).bitwise_and(0xffff);
  if (type == "u4") return raw.to(torch::kInt64).bitwise_and(int64_t{0xffffffff});
  if (type == "u8" && raw.numel() > 0) {
    check(raw.min().item<int64_t>() >= 0, "[npy] ", where, ": holds numbers of 2^63 and more");
  }
  return raw;
}

torch::ScalarType scalar_type(const std::string& type, const std::string& where) {
  constexpr std::pair<const char*, torch::ScalarType> kTypes[] = {
      {"b1", torch::kBool},    {"u1", torch::kUInt8},   {"i1", torch::kInt8},
      {"i2", torch::kInt16},   {"u2", torch::kInt16},   {"i4", torch::kInt32},
      {"u4", torch::kInt32},   {"i8", torch::kInt64},   {"u8", torch::kInt64},
      {"f2", torch::kFloat16}, {"f4", torch::kFloat32}, {"f8", torch::kFloat64}};
  for (const auto& [name, known] : kTypes) {
    if (type == name) return known;
  }
  fail("[npy] ", where, ": type \"", type, "\" is not supported; known: b1, i1 to i8, u1 to u8, ",
       "f2, f4, f8");
}

}  // namespace

Tensor tensor_of_bytes(std::string_view data, torch::ScalarType type, const Shape& shape, bool big,
                       const std::string& where, const std::shared_ptr<void>& owner) {
  const auto width = torch::elementSize(type);
  uint64_t bytes = width, guard = width;  // libtorch multiplies sizes beside a zero too
  for (const int64_t size : shape) {
    const auto n = static_cast<uint64_t>(size);
    const bool fits = !__builtin_mul_overflow(bytes, n, &bytes) &&
                      !__builtin_mul_overflow(guard, std::max<uint64_t>(n, 1), &guard) &&
                      guard >> 62 == 0;
    check(size >= 0 && fits, "[file] ", where, ": shape ", to_string(shape), " is too large");
  }
  check(bytes == data.size(), "[file] ", where, ": header says ", to_string(shape), " elements of ",
        width, " bytes, which is ", bytes, "; the file holds ", data.size());
  const bool in_place = owner && !data.empty() && (!big || width == 1) && type != torch::kBool &&
                        reinterpret_cast<uintptr_t>(data.data()) % width == 0;
  if (in_place) {
    return torch::from_blob(
        const_cast<char*>(data.data()), shape, [owner](void*) {}, torch::TensorOptions(type));
  }
  auto tensor = torch::empty(shape, torch::TensorOptions(type));
  if (data.empty()) return tensor;
  auto* out = static_cast<char*>(tensor.data_ptr());
  std::memcpy(out, data.data(), data.size());
  if (big && width > 1) {
    for (size_t i = 0; i < data.size(); i += width) std::reverse(out + i, out + i + width);
  }
  if (type == torch::kBool) {  // any other byte in a bool is undefined behaviour
    std::transform(out, out + data.size(), out, [](char c) { return static_cast<char>(c != 0); });
  }
  return tensor;
}

Tensor parse_npy(std::string_view bytes, const std::string& where,
                 const std::shared_ptr<void>& owner) {
  check(bytes.size() >= 12 && bytes.substr(0, 6) == "\x93NUMPY", "[npy] ", where,
        ": is not a NumPy file");
  const int version = static_cast<unsigned char>(bytes[6]);
  check(version >= 1 && version <= 3, "[npy] ", where, ": version ", version, ", known: 1 to 3");
  const size_t width = version == 1 ? 2 : 4;
  size_t length = 0;
  for (size_t i = width; i-- > 0;) length = length << 8 | static_cast<unsigned char>(bytes[8 + i]);
  check(length <= bytes.size() - 8 - width, "[npy] ", where, ": header of ", length,
        " bytes announced, the file holds ", bytes.size() - 8 - width);
  auto header = HeaderReader(bytes.substr(8 + width, length), where).read();
  check(header.type.size() >= 3, "[npy] ", where, ": type \"", header.type, "\" is not supported");
  const auto type = header.type.substr(1);
  if (header.fortran) std::reverse(header.shape.begin(), header.shape.end());
  auto tensor = tensor_of_bytes(bytes.substr(8 + width + length), scalar_type(type, where),
                                header.shape, header.type[0] == '>', where, owner);
  tensor = widened(tensor, type, where);
  if (header.fortran && tensor.dim() > 1) {
    std::vector<int64_t> axes;
    for (int64_t i = tensor.dim(); i-- > 0;) axes.push_back(i);
    tensor = tensor.permute(axes).contiguous();
  }
  return tensor;
}

std::string npy_header(torch::ScalarType type, const Shape& shape) {
  std::string axes;
  for (int64_t size : shape) axes += (axes.empty() ? "" : " ") + std::to_string(size) + ",";
  const auto* name = type == torch::kUInt8     ? "|u1"
                     : type == torch::kInt64   ? "<i8"
                     : type == torch::kFloat64 ? "<f8"
                                               : "<f4";
  std::string header =
      "{'descr': '" + std::string(name) + "', 'fortran_order': False, 'shape': (" + axes + "), }";
  constexpr size_t kFixed = 10, kAlign = 64;
  header.resize((kFixed + header.size() + kAlign) / kAlign * kAlign - kFixed - 1, ' ');
  header += '\n';
  check(header.size() < 65536, "[npy] a shape of ", shape.size(), " axes");
  const char length[] = {static_cast<char>(header.size() & 255),
                         static_cast<char>(header.size() >> 8)};
  return std::string("\x93NUMPY\x01\x00", 8) + std::string(length, 2) + header;
}

}  // namespace elbo

#include <doctest/doctest.h>
#include <zlib.h>

#include "elbo/io/file.h"
#include "elbo/io/npy.h"
#include "elbo/io/safetensors.h"
#include "files.h"

namespace elbo {
namespace {

std::string gzip(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

size_t files_in(const std::string& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST_CASE("a file is written whole or not at all, and nothing is left beside it") {
  TempFolder folder;
  const auto path = folder.at("a.bin");
  write_file_atomic(path, std::string("one\0two", 7));
  CHECK(read_file(path) == std::string("one\0two", 7));
  {
    AtomicFile unfinished(path);
    unfinished.write("half");
  }
  CHECK(read_file(path) == std::string("one\0two", 7));
  CHECK(files_in(folder.at("")) == 1);
  CHECK(error_of([&] { write_file_atomic(folder.at("no/b"), "x"); }).find("no/b") !=
        std::string::npos);
  CHECK(error_of([&] { read_file(folder.at("none")); }).find("No such file") != std::string::npos);
  CHECK(error_of([&] { read_file(folder.at("")); }).find("is a folder") != std::string::npos);
}

TEST_CASE("gzip is told by its content, members follow each other, damage is an Error") {
  TempFolder folder;
  const std::string text = std::string(300000, 'a') + "end";
  const auto packed = gzip(text);
  CHECK(read_maybe_gzip(folder.file("plain", text)) == text);
  CHECK(read_maybe_gzip(folder.file("packed", packed)) == text);
  CHECK(gunzip(packed + gzip("more") + std::string(100, '\0'), "two") == text + "more");
  CHECK_THROWS_AS(gunzip(packed.substr(0, packed.size() - 1), "cut"), Error);
  CHECK_THROWS_AS(gunzip(packed + "rest", "rest"), Error);
  CHECK_THROWS_AS(gunzip("", "empty"), Error);
  CHECK_THROWS_AS(gunzip(packed, "bomb", 1000), Error);
  CHECK(fuzz(packed, 2000, [](const std::string& b) { gunzip(b, "fuzz"); }) > 1500);
}

NamedTensors all_types() {
  torch::manual_seed(1);
  NamedTensors tensors;
  for (auto type : {torch::kBool, torch::kUInt8, torch::kFloat16, torch::kBFloat16, torch::kInt32,
                    torch::kFloat32, torch::kInt64, torch::kFloat64}) {
    tensors.emplace_back(torch::toString(type), torch::randint(0, 2, {3, 5}).to(type));
  }
  tensors.emplace_back("scalar", torch::tensor(1.5));
  tensors.emplace_back("empty", torch::empty({0, 4}));
  tensors.emplace_back("turned \"quoted\" ü", torch::randn({4, 3}).t());
  return tensors;
}

TEST_CASE("safetensors keep every type, shape, order and text") {
  TempFolder folder;
  const auto path = folder.at("w.safetensors");
  const auto tensors = all_types();
  save_safetensors(path, tensors, {{"format", "pt"}, {"facts", "{\"a\": 1}"}});
  const auto file = load_safetensors(path);
  CHECK((file.metadata == TextMap{{"format", "pt"}, {"facts", "{\"a\": 1}"}}));
  REQUIRE(file.tensors.size() == tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    CHECK(file.tensors[i].first == tensors[i].first);
    CHECK((file.tensors[i].second.scalar_type() == tensors[i].second.scalar_type()));
    CHECK(torch::equal(file.tensors[i].second, tensors[i].second));
  }
  CHECK(!file.find("absent").defined());
  // Every tensor is aligned for those who map the file.
  const auto bytes = read_file(path);
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  CHECK(length % 8 == 0);
  const auto header = nlohmann::json::parse(bytes.substr(8, length));
  for (const auto& [name, t] : tensors) {
    CHECK(header[name]["data_offsets"][0].get<size_t>() % t.element_size() == 0);
  }
  CHECK_THROWS_AS(save_safetensors(path, {{"a", torch::ones(1)}, {"a", torch::ones(1)}}), Error);
  CHECK_THROWS_AS(save_safetensors(path, {{"\xff", torch::ones(1)}}), Error);
  CHECK_THROWS_AS(save_safetensors(path, {{"a", torch::ones(1, torch::kInt16)}}), Error);
}

std::string with_header(const std::string& header, size_t data) {
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header + std::string(data, '\2');
}

TEST_CASE("a safetensors header that lies is an Error with the path") {
  const auto entry = [](const char* type, const char* shape, const char* offsets) {
    return std::string("{\"dtype\":\"") + type + "\",\"shape\":" + shape +
           ",\"data_offsets\":" + offsets + "}";
  };
  const auto good = entry("F32", "[2]", "[0,8]");
  CHECK_NOTHROW(parse_safetensors(with_header("{\"a\":" + good + "}", 8), "f"));
  const std::vector<std::string> bad = {
      "",
      "1234567",
      std::string(8, '\xff'),
      with_header("{\"a\":" + good + "}", 8).substr(0, 40),
      with_header("[]", 0),
      with_header("{", 0),
      with_header("{\"a\":1}", 0),
      with_header("{\"a\":" + good + "}", 7),
      with_header("{\"a\":" + good + "}", 9),
      with_header("{\"a\":" + good + ",\"a\":" + good + "}", 8),
      with_header("{\"a\":" + good + ",\"b\":" + good + "}", 8),
      with_header("{\"a\":" + entry("F33", "[2]", "[0,8]") + "}", 8),
      with_header("{\"a\":" + entry("F32", "[3]", "[0,8]") + "}", 8),
      with_header("{\"a\":" + entry("F32", "[-2]", "[0,8]") + "}", 8),
      with_header("{\"a\":" + entry("F32", "[2.0]", "[0,8]") + "}", 8),
      with_header("{\"a\":" + entry("F32", "2", "[0,8]") + "}", 8),
      with_header("{\"a\":" + entry("F32", "[2]", "[8,0]") + "}", 8),
      with_header("{\"a\":" + entry("F32", "[2]", "[0]") + "}", 8),
      with_header("{\"a\":" + entry("F32", "[2]", "[4,12]") + "}", 12),
      with_header("{\"a\":" + entry("F32", "[4611686018427387904,4]", "[0,0]") + "}", 0),
      with_header("{\"a\":" + entry("F32", "[4294967296,4294967296,0]", "[0,0]") + "}", 0),
      with_header("{\"a\":" + entry("BOOL", "[8]", "[0,8]") + "}", 8),
      with_header("{\"__metadata__\":{\"a\":1}}", 0),
      with_header(std::string(100000, '['), 0),
  };
  for (const auto& bytes : bad) {
    CAPTURE(bytes.substr(0, 100));
    CHECK(error_of([&] { parse_safetensors(bytes, "some/path"); }).find("some/path") !=
          std::string::npos);
  }
}

TEST_CASE("damaged safetensors never crash") {
  TempFolder folder;
  const auto path = folder.at("w.safetensors");
  save_safetensors(path, all_types(), {{"k", "v"}});
  const auto parse = [](const std::string& b) { parse_safetensors(b, "fuzz"); };
  CHECK(fuzz(read_file(path), 5000, parse) > 1000);
}

std::string npy_file(const std::string& descr, const std::string& shape, const std::string& data,
                     int version = 1, const std::string& fortran = "False") {
  std::string header =
      "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(version);
  bytes += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) {
    bytes += static_cast<char>(header.size() >> (8 * i) & 0xff);
  }
  return bytes + header + data;
}

TEST_CASE("NumPy files are read in every version, byte order and index order") {
  const std::string little("\1\0\2\0\3\0\4\0\5\0\6\0", 12), big("\0\1\0\2\0\3\0\4\0\5\0\6", 12);
  const auto expected = torch::tensor({{1, 2, 3}, {4, 5, 6}}, torch::kInt16);
  for (int version : {1, 2, 3}) {
    CHECK(torch::equal(parse_npy(npy_file("<i2", "(2, 3)", little, version), "a"), expected));
  }
  CHECK(torch::equal(parse_npy(npy_file(">i2", "(2, 3)", big), "a"), expected));
  CHECK(torch::equal(parse_npy(npy_file("<i2", "(3, 2)", little, 1, "True"), "a"), expected.t()));
  CHECK(parse_npy(npy_file("<u2", "(1,)", "\xff\xff"), "a")[0].item<int64_t>() == 65535);
  CHECK(parse_npy(npy_file("<u4", "(1,)", std::string(4, '\xff')), "a")[0].item<int64_t>() ==
        4294967295);
  CHECK(parse_npy(npy_file("|b1", "(2,)", std::string("\0\7", 2)), "a")[1].item<bool>());
  CHECK(parse_npy(npy_file("<f8", "()", std::string("\0\0\0\0\0\0\xf8\x3f", 8)), "a")
            .item<double>() == 1.5);
  CHECK(parse_npy(npy_file("<f4", "(0, 3)", ""), "a").size(1) == 3);

  const auto valid = npy_file("<i2", "(2, 3)", little);
  for (const auto& bad :
       {std::string(), valid.substr(0, 11), valid.substr(0, 60), valid + "x",
        npy_file("<i2", "(2, 4)", little), npy_file("<i2", "(-2, 3)", little),
        npy_file("<i2", "2", little), npy_file("|O", "(2, 3)", little),
        npy_file("<c8", "(2, 3)", little), npy_file("<U3", "(1,)", little),
        npy_file("<i2", "(2, 3)", little, 4), npy_file("<i2", "(99999999999999999999, 3)", little),
        npy_file("<i2", "(4294967296, 4294967296, 0)", ""),
        npy_file("<u8", "(1,)", std::string(8, '\xff')),
        npy_file("<i2", "(2, 3)", little, 1, "Maybe")}) {
    CAPTURE(bad);
    CHECK(error_of([&] { parse_npy(bad, "bad.npy"); }).find("bad.npy") != std::string::npos);
  }
  CHECK(fuzz(valid, 5000, [](const std::string& b) { parse_npy(b, "fuzz"); }) > 2000);
}

}  // namespace
}  // namespace elbo

#include <doctest/doctest.h>

#include "elbo/data/dataset.h"
#include "elbo/data/open.h"
#include "elbo/io/file.h"
#include "elbo/io/image.h"
#include "files.h"
#include "pictures.h"
#include "tolerance.h"

namespace elbo {
namespace {

DataOptions with(const std::string& split, const std::string& binarize = "none") {
  DataOptions options;
  options.split = split;
  options.binarize = binarize;
  return options;
}

Tensor all_x(const Data& data) { return data->get(torch::arange(data->size(), torch::kInt64)).x; }

std::string idx(int type, const std::vector<int>& shape, const std::string& data) {
  std::string bytes{'\0', '\0', static_cast<char>(type), static_cast<char>(shape.size())};
  for (int size : shape) {
    for (int shift : {24, 16, 8, 0}) bytes += static_cast<char>(size >> shift & 0xff);
  }
  return bytes + data;
}

std::string npy(const std::string& descr, const std::string& shape, const std::string& data) {
  std::string header =
      "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }";
  header.resize(117, ' ');
  return std::string("\x93NUMPY\1\0\x76\0", 10) + header + "\n" + data;
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string counting(size_t n) {
  std::string bytes(n, '\0');
  for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<char>(i * 37);
  return bytes;
}

void write_mnist(const TempFolder& folder) {
  folder.file("m/train-images-idx3-ubyte", idx(8, {6, 2, 3}, counting(36)));
  folder.file("m/train-labels-idx1-ubyte", idx(8, {6}, std::string("\0\1\2\3\4\11", 6)));
  folder.file("m/t10k-images-idx3-ubyte", idx(8, {2, 2, 3}, counting(12)));
  folder.file("m/t10k-labels-idx1-ubyte", idx(8, {2}, "\1\2"));
}

TEST_CASE("a folder like MNIST has two parts, labels, and is binarized unless told not to") {
  TempFolder folder;
  write_mnist(folder);
  const auto path = folder.at("m");
  CHECK(has_test_split(path));
  const auto train = open_data("mnist:" + path, with("train"));
  CHECK(train->size() == 6);
  CHECK(to_string(train->schemas().x.shape) == "1x2x3");
  CHECK(all_x(train)[1][0][0][1].item<float>() == static_cast<float>(7 * 37 % 256) / 255.0f);
  CHECK(train->get(torch::tensor({5})).y.item<int64_t>() == 9);
  CHECK(train->schemas().y.detail["classes"].size() == 10);
  CHECK(open_data(path, with("test"))->size() == 2);
  CHECK(open_data(path, with("all"))->size() == 8);
  CHECK(open_data(path, with("train", "auto"))->schemas().x.kind == Kind::kBinary);
  DataOptions seven = with("all");
  seven.rows = 7;
  CHECK(open_data(path, seven)->size() == 7);
  CHECK(
      open_data("idx:" + folder.at("m/train-images-idx3-ubyte"), with("train"))->schemas().x.kind ==
      Kind::kByte);

  const auto images = [&](const std::string& bytes) {
    folder.file("m/train-images-idx3-ubyte", bytes);
    return error_of([&] { open_data(path, with("train")); });
  };
  const auto valid = idx(8, {6, 2, 3}, counting(36));
  CHECK(images(valid.substr(0, 40)).find("header says 6x2x3") != std::string::npos);
  for (const auto& bad :
       {std::string(), valid.substr(0, 3), valid.substr(0, 9), valid + "x",
        idx(7, {6, 2, 3}, counting(36)), idx(8, {}, ""), idx(8, {0, 2, 3}, ""),
        idx(8, {-1, -1, -1}, counting(36)), idx(8, {7, 2, 3}, counting(42)), "\1" + valid}) {
    CHECK(images(bad) != "");
  }
  CHECK(fuzz(valid, 1000, [&](const std::string& b) {
          folder.file("f-ubyte", b);
          open_data(folder.at("f-ubyte"), with("train"));
        }) > 300);
}

TEST_CASE("an array's type and range decide what it is") {
  TempFolder folder;
  const auto schema = [&](const std::string& bytes) {
    return open_data(folder.file("a.npy", bytes), with("train", "auto"))->schemas().x;
  };
  CHECK(to_string(schema(npy("|u1", "(2, 3, 4)", counting(24))).shape) == "1x3x4");
  CHECK(to_string(schema(npy("|u1", "(2, 4, 5, 3)", counting(120))).shape) == "3x4x5");
  CHECK(to_string(schema(npy("|u1", "(2, 3, 4, 5)", counting(120))).shape) == "3x4x5");
  CHECK(schema(npy("|u1", "(2, 3, 4)", counting(24))).kind == Kind::kByte);
  CHECK(schema(npy("|u1", "(2, 2)", std::string("\0\1\1\0", 4))).kind == Kind::kBinary);
  CHECK(schema(npy("|b1", "(2, 2)", std::string("\0\1\1\0", 4))).kind == Kind::kBinary);
  CHECK(schema(npy("<i4", "(3,)", bytes_of<int32_t>({0, 5, 2}))).kind == Kind::kCount);
  CHECK(schema(npy("<i4", "(3,)", bytes_of<int32_t>({0, -5, 2}))).kind == Kind::kReal);
  CHECK(schema(npy("<f4", "(2, 2)", bytes_of<float>({0, .5f, 1, .25f}))).kind == Kind::kUnit);
  const auto real = schema(npy("<f8", "(2, 2)", bytes_of<double>({1, 7, 5, 7})));
  CHECK(real.kind == Kind::kReal);
  CHECK((real.detail["loc"] == Json{3.0, 7.0}));
  CHECK((real.detail["scale"] == Json{2.0, 1.0}));

  const auto message = [&](const std::string& bytes) { return error_of([&] { schema(bytes); }); };
  const auto text = message(npy("<f4", "(2, 2)", bytes_of<float>({1, 2, 3, NAN})));
  CHECK(text.find("row 1, column 1 is not finite") != std::string::npos);
  CHECK(message(npy("<f4", "(2, 1)", bytes_of<float>({1, INFINITY}))) != "");
  CHECK(message(npy("<f4", "(0, 2)", "")) != "");
  CHECK(message(npy("<f4", "()", bytes_of<float>({1}))) != "");

  const auto path = folder.file("a.npy", npy("<f4", "(1, 2)", bytes_of<float>({1, 2})));
  CHECK_THROWS_AS(open_data(path, with("test")), Error);
  CHECK_THROWS_AS(open_data(path, with("train", "dynamic")), Error);
  auto sized = with("train");
  sized.resize = "4x4";
  CHECK_THROWS_AS(open_data(path, sized), Error);
}

TEST_CASE("an npz gives x, labels and factors by name, and parts where it has them") {
  TempFolder folder;
  const auto x = npy("|u1", "(3, 2)", counting(6)),
             y = npy("<i4", "(3,)", bytes_of<int32_t>({0, 2, 1})),
             few = npy("<i4", "(3,)", bytes_of<int32_t>({0, 1, 1}));
  const auto zip = make_archive("zip", {{"X.npy", x}, {"y.npy", y}});
  const auto data = open_data(folder.file("a.npz", zip), with("train"));
  CHECK(data->size() == 3);
  CHECK(data->get(torch::tensor({1})).y.item<int64_t>() == 2);
  CHECK(open_data(folder.at("a.npz") + ":y", with("train"))->schemas().x.kind == Kind::kCount);
  CHECK(error_of([&] {
          open_data(folder.at("a.npz") + ":z", with("train"));
        }).find("known: x, y") != std::string::npos);
  const auto parts = folder.file(
      "b.npz",
      make_archive(
          "zip", {{"x_train.npy", x}, {"x_test.npy", x}, {"y_train.npy", y}, {"y_test.npy", few}}));
  CHECK(has_test_split(parts));
  CHECK(open_data(parts, with("test"))->size() == 3);
  CHECK(open_data(parts, with("test"))->schemas().y.detail["classes"].size() == 3);
  CHECK(open_data(parts, with("all"))->size() == 6);
  const auto bad_y = npy("<f4", "(3,)", bytes_of<float>({0, .5f, 1}));
  CHECK_THROWS_AS(
      open_data(folder.file("c.npz", make_archive("zip", {{"x.npy", x}, {"y.npy", bad_y}})),
                with("train")),
      Error);
  CHECK_THROWS_AS(open_data(folder.file("d.npz", ""), with("train")), Error);
  CHECK_THROWS_AS(open_data(folder.file("e.npz", make_archive("zip", {{"a.npy", x}, {"b.npy", x}})),
                            with("train")),
                  Error);
  CHECK(fuzz(zip, 1000, [&](const std::string& b) {
          open_data(folder.file("f.npz", b), with("train"));
        }) > 300);
}

std::string picture(int64_t channels, int64_t height, int64_t width, double value) {
  return encode_png(torch::full({channels, height, width}, value, torch::kUInt8));
}

using Files = std::vector<std::pair<std::string, std::string>>;
Files labelled_set() {
  return {
      {"set/train/dog/1.png", picture(1, 4, 5, 10)},  {"set/train/cat/2.png", picture(3, 4, 5, 20)},
      {"set/train/cat/3.png", picture(1, 4, 5, 30)},  {"set/test/dog/4.png", picture(1, 4, 5, 40)},
      {"set/test/dog/._4.png", "a Macintosh's note"}, {"set/readme.txt", "no image"}};
}

TEST_CASE("folders and archives of images give the same rows, labels and parts") {
  TempFolder folder;
  for (const auto& [name, bytes] : labelled_set()) folder.file("folder/" + name, bytes);
  for (const std::string format : {"folder", "tar", "tar.gz", "zip"}) {
    CAPTURE(format);
    const auto path = format == "folder"
                          ? folder.at("folder")
                          : folder.file("a." + format, make_archive(format, labelled_set()));
    CHECK(has_test_split(path));
    const auto train = open_data(path, with("train", "auto"));
    CHECK(train->schemas().x.kind == Kind::kByte);
    CHECK(to_string(train->schemas().x.shape) == "3x4x5");
    CHECK((train->schemas().y.detail["classes"] == Json{"cat", "dog"}));
    const auto batch = train->get(torch::arange(3));
    CHECK(torch::equal(batch.y, torch::tensor({0, 0, 1})));
    CHECK(torch::equal((batch.x.flatten(1).mean(1) * 255).round(),
                       torch::tensor({20.f, 30.f, 10.f})));
    CHECK(train->row_name(2).find("dog/1.png") != std::string::npos);
    const auto test = open_data(path, with("test"));
    CHECK(test->size() == 1);
    CHECK(test->get(torch::arange(1)).y.item<int64_t>() == 1);
    CHECK(open_data(path, with("all"))->size() == 4);
  }
  CHECK(open_data(folder.at("folder/set/test/dog/4.png"), with("train"))->size() == 1);
}

TEST_CASE("images that do not fit together are named, unless resized") {
  TempFolder folder;
  folder.file("i/a.png", picture(1, 4, 4, 10));
  folder.file("i/b.png", picture(1, 6, 3, 90));
  const auto text = error_of([&] { open_data(folder.at("i"), with("train")); });
  CHECK(text.find("a.png has 4x4") != std::string::npos);
  CHECK(text.find("b.png has 3x6") != std::string::npos);
  auto sized = with("train");
  sized.resize = "5x7";
  CHECK(to_string(open_data(folder.at("i"), sized)->schemas().x.shape) == "1x5x7");
  for (const auto* bad : {"5", "5x", "x5", "0x4", "5x5x5", "-1x2", "99999x2"}) {
    sized.resize = bad;
    CHECK_THROWS_AS(open_data(folder.at("i"), sized), Error);
  }
  CHECK_THROWS_AS(open_data(folder.at("i"), with("test")), Error);
  folder.file("i/c.png", "no picture");
  CHECK(error_of([&] { open_data(folder.at("i"), with("train")); }).find("c.png") !=
        std::string::npos);
  std::filesystem::create_directories(folder.at("empty"));
  CHECK_THROWS_AS(open_data("images:" + folder.at("empty"), with("train")), Error);
  CHECK_THROWS_AS(open_data("images:" + folder.at("none"), with("train")), Error);
}

TEST_CASE("damaged archives of images never crash") {
  TempFolder folder;
  for (const std::string format : {"tar", "tar.gz", "zip"}) {
    const auto valid = make_archive(format, labelled_set());
    CHECK_THROWS_AS(open_data(folder.file("e." + format, ""), with("train")), Error);
    CHECK_THROWS_AS(
        open_data(folder.file("t." + format, valid.substr(0, valid.size() / 3)), with("all")),
        Error);
    CHECK(fuzz(valid, 400, [&](const std::string& b) {
            open_data(folder.file("f." + format, b), with("all"));
          }) > 20);
  }
}

TEST_CASE("real public data are read where they are present") {
  auto few = with("train");
  few.rows = 50;
  if (const auto mnist = real_data("mnist"); !mnist.empty()) {
    const auto data = open_data("mnist:" + mnist, with("test"));
    CHECK(data->size() == 10000);
    // The published mean of the test images.
    CHECK(all_x(data).mean().item<double>() == doctest::Approx(0.1325).epsilon(0.001));
    const auto first = data->get(torch::arange(5, torch::kInt64)).y;
    CHECK(torch::equal(first, torch::tensor({7, 2, 1, 0, 4})));
  }
  if (const auto faces = real_data("freyfaces.npy"); !faces.empty()) {
    const auto data = open_data(faces, with("train"));
    CHECK(data->size() == 1965);
    CHECK(to_string(data->schemas().x.shape) == "1x28x20");
  }
  if (const auto smiles = real_data("smiles.tar.gz"); !smiles.empty()) {
    const auto data = open_data(smiles, few);
    CHECK(data->size() == 50);
    CHECK(to_string(data->schemas().x.shape) == "1x64x64");
    CHECK((data->schemas().y.detail["classes"] == Json{"negatives", "positives"}));
  }
  if (const auto table = real_data("adbench/12_fault.npz"); !table.empty()) {
    const auto data = open_data(table, with("train"));
    CHECK(data->size() == 1941);
    CHECK(data->schemas().x.kind == Kind::kReal);
    CHECK(data->schemas().y.detail["classes"].size() == 2);
    CHECK(data->get(torch::arange(1941)).y.sum().item<int64_t>() == 673);  // the list of ADBench
  }
}

}  // namespace
}  // namespace elbo

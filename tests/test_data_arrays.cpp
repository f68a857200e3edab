#include <doctest/doctest.h>

#include "elbo/data/content_hash.h"
#include "elbo/data/label_rows.h"
#include "elbo/data/reader.h"
#include "elbo/io/file.h"
#include "elbo/io/npy.h"
#include "elbo/io/row_file.h"
#include "files.h"
#include "open_with.h"
#include "pictures.h"

namespace elbo {
namespace {

template <class T>
std::string npy_of(const std::string& descr, const std::string& shape,
                   const std::vector<T>& values) {
  std::string header =
      "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }";
  header.resize(117, ' ');
  return std::string("\x93NUMPY\1\0\x76\0", 10) + header + "\n" +
         std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

std::string npy_of(const Tensor& x) {
  const auto plain = x.contiguous();
  return npy_header(plain.scalar_type(), plain.sizes().vec()) +
         std::string(static_cast<const char*>(plain.data_ptr()), plain.nbytes());
}

Data open_array(const TempFolder& folder, const std::string& bytes,
                const Json& reader = Json::object(),
                std::shared_ptr<const Schemas> like = nullptr) {
  return open_with(folder.file("a.npy", bytes), reader, std::move(like));
}

std::string said(const Data& data) {
  std::string all;
  for (const auto& note : data->schemas().x.notes()) all += note + "\n";
  return all;
}

TEST_CASE("channels are the axis that is short, or the one that is named") {
  const TempFolder folder;
  torch::manual_seed(1);
  const auto shape = [&](const Shape& sizes, const Json& reader = Json::object()) {
    const auto x = torch::rand(sizes) * 2 - 1;
    return to_string(open_array(folder, npy_of(x), reader)->schemas().x.shape);
  };
  CHECK(shape({5, 24, 20, 3}) == "3x24x20");
  CHECK(shape({5, 24, 20, 4}) == "4x24x20");
  CHECK(shape({5, 24, 20, 2}) == "2x24x20");
  CHECK(shape({5, 3, 24, 20}) == "3x24x20");
  CHECK(shape({5, 24, 20, 3}, {{"channels", "first"}}) == "24x20x3");
  CHECK(shape({5, 3, 24, 4}) == "3x24x4");
  CHECK(shape({5, 3, 24, 3}, {{"channels", "last"}}) == "3x3x24");
  CHECK(error_of([&] { shape({5, 3, 24, 3}); }).find("--channels last") != std::string::npos);
  CHECK(shape({5, 24, 20}) == "1x24x20");  // from -1 to 1
  CHECK(shape({5, 24, 20}, {{"channels", "none"}}) == "24x20");
  CHECK(shape({5, 24, 5}) == "24x5");
  const auto x = torch::rand({5, 9, 10, 3}) * 2 - 1;
  const auto data = open_array(folder, npy_of(x));
  CHECK(data->schemas().x.kind == Kind::kReal);
  CHECK(data->get(torch::tensor({2})).x[0].equal(x[2].permute({2, 0, 1})));
  CHECK(said(data).find("height x width x channels") != std::string::npos);
  const auto rgba =
      open_array(folder, npy_of(torch::randint(0, 256, {4, 9, 10, 4}, torch::kUInt8)));
  CHECK(rgba->schemas().x.kind == Kind::kByte);
  CHECK(to_string(rgba->schemas().x.shape) == "4x9x10");
}

TEST_CASE("whole numbers 0 to 255 in pictures are bytes, grey levels 0 to 16 are counts") {
  const TempFolder folder;
  torch::manual_seed(2);
  const auto bytes = torch::randint(0, 256, {6, 9, 10, 3}, torch::kInt64);
  const auto data = open_array(folder, npy_of(bytes.to(torch::kFloat32)));
  CHECK(data->schemas().x.kind == Kind::kByte);
  CHECK((data->get(torch::tensor({3})).x[0] * 255)
            .round()
            .equal(bytes[3].permute({2, 0, 1}).to(torch::kFloat32)));
  CHECK(said(data).find("read as bytes") != std::string::npos);
  CHECK(open_array(folder, npy_of(bytes), {{"kind", "count"}})->schemas().x.kind == Kind::kCount);
  CHECK(open_array(folder, npy_of(bytes), {{"kind", "real"}})->schemas().x.kind == Kind::kReal);
  CHECK(open_array(folder, npy_of(bytes.remainder(17)))->schemas().x.kind == Kind::kCount);
}

TEST_CASE("numbers far from zero keep their differences, and come back whole") {
  const TempFolder folder;
  std::vector<double> values;
  for (int i = 0; i < 300; ++i) {
    values.push_back(1e8 + 0.001 * i);
    values.push_back(i % 7);
  }
  const auto data = open_array(folder, npy_of("<f8", "(300, 2)", values));
  const auto origin = data->schemas().x.origin();
  REQUIRE(origin.defined());
  CHECK(origin[0][1].item<double>() == 0);
  const auto x = data->get(torch::arange(300)).x;
  const auto back = x.to(torch::kFloat64) + origin;
  CHECK((back.flatten() - torch::tensor(values, torch::kFloat64)).abs().max().item<double>() <
        1e-7);
  CHECK(data->schemas().x.units()->loc[0][0].item<double>() < 1);
  CHECK(said(data).find("1 of 2 numbers") != std::string::npos);
  const auto file = create_row_file(folder.at("out.npy"), {300, {2}, false, {}, origin});
  file->append(x);
  file->commit();
  const auto written = parse_npy(read_file(folder.at("out.npy")), "out");
  CHECK((written.scalar_type() == torch::kFloat64));
  CHECK(written.equal(back));
  const auto text = create_row_file(folder.at("out.csv"), {1, {2}, false, {}, origin});
  text->append(x.narrow(0, 5, 1));
  text->commit();
  CHECK(read_file(folder.at("out.csv")).find("100000000.005") != std::string::npos);
  // Another file is read by the model's origins.
  const auto like = std::make_shared<const Schemas>(data->schemas());
  const auto other = open_array(folder, npy_of("<f8", "(1, 2)", std::vector<double>{1e8 + 7, 3}),
                                Json::object(), like);
  CHECK(other->get(torch::tensor({0})).x[0][0].item<double>() ==
        doctest::Approx(1e8 + 7 - origin[0][0].item<double>()));
  const auto ids = open_array(
      folder,
      npy_of("<i8", "(3,)", std::vector<int64_t>{1234567890123, 1234567890124, 1234567890126}));
  const auto near = ids->get(torch::arange(3)).x.flatten();
  CHECK((near - near[0]).equal(torch::tensor({0.f, 1.f, 3.f})));
}

TEST_CASE("labels of arrays are the numbers of the data") {
  const TempFolder folder;
  const auto x = npy_of(torch::rand({4, 2}));
  const auto labelled = [&](const std::vector<int64_t>& y, const std::string& name = "y") {
    const auto zip = make_archive("zip", {{"x.npy", x}, {name + ".npy", npy_of("<i8", "(4,)", y)}});
    return open_with(folder.file("a.npz", zip));
  };
  const auto classes = [](const Data& data) { return data->schemas().y.detail["classes"]; };
  const auto from_one = labelled({1, 3, 2, -1});
  CHECK((classes(from_one) == Json{"1", "2", "3"}));
  CHECK(labels_of(*from_one).equal(torch::tensor({0, 2, 1, -1})));
  const auto signs = labelled({-1, 1, 1, -1}, "target");
  CHECK((classes(signs) == Json{"-1", "1"}));
  CHECK(labels_of(*signs).equal(torch::tensor({0, 1, 1, 0})));
  CHECK(said(signs).find("-1 and 1 are two classes") != std::string::npos);
  CHECK((classes(labelled({3, 8, 5, 8})) == Json{"3", "5", "8"}));
  CHECK((classes(labelled({0, 3, 0, -1})) == Json{"0", "1", "2", "3"}));
  // Another file of the same model keeps the places, and may bring a class of its own.
  const auto like = std::make_shared<const Schemas>(from_one->schemas());
  const auto zip = make_archive(
      "zip", {{"x.npy", x}, {"y.npy", npy_of("<i8", "(4,)", std::vector<int64_t>{3, 3, 7, 2})}});
  const auto other = open_with(folder.file("b.npz", zip), Json::object(), like);
  CHECK((classes(other) == Json{"1", "2", "3", "7"}));
  CHECK(labels_of(*other).equal(torch::tensor({2, 2, 3, 1})));
}

std::string idx_file(const std::vector<int>& shape, const std::string& data) {
  std::string bytes{'\0', '\0', '\10', static_cast<char>(shape.size())};
  for (int size : shape) bytes += std::string{'\0', '\0', '\0', static_cast<char>(size)};
  return bytes + data;
}

TEST_CASE("MNIST's files are found under all their names, EMNIST's letters are 1 to 26") {
  const TempFolder folder;
  const auto pictures = idx_file({2, 2, 3}, "abcdefghijkl");
  folder.file("dots/train-images.idx3-ubyte", pictures);
  folder.file("dots/train-labels.idx1-ubyte", idx_file({2}, std::string("\0\7", 2)));
  const auto dots = open_with(folder.at("dots"));
  CHECK(labels_of(*dots).equal(torch::tensor({0, 7})));
  CHECK(class_count(dots->schemas().y) == 10);
  folder.file("e/emnist-letters-train-images-idx3-ubyte", pictures);
  folder.file("e/emnist-letters-train-labels-idx1-ubyte", idx_file({2}, "\1\32"));
  const auto letters = open_with(folder.at("e"));
  CHECK((letters->schemas().y.detail["classes"] == Json{"1", "26"}));
  CHECK(said(letters).find("rows and columns exchanged") != std::string::npos);
  folder.file("e/emnist-digits-train-images-idx3-ubyte", pictures);
  CHECK(error_of([&] { open_with(folder.at("e")); }).find("mnist:FOLDER:letters") !=
        std::string::npos);
  CHECK(open_with("mnist:" + folder.at("e") + ":digits")->size() == 2);
}

TEST_CASE("a hash of rows changes with any value, order, label or number of rows") {
  const TempFolder folder;
  const auto hash = [&](const Tensor& x) { return content_hash(*open_array(folder, npy_of(x))); };
  torch::manual_seed(3);
  const auto x = torch::rand({700, 5}) * 3;
  const auto first = hash(x);
  CHECK(first == hash(x.clone()));
  CHECK(first.size() == 16);
  CHECK(first != hash(x.narrow(0, 0, 699)));
  CHECK(first != hash(x.flip({0})));
  auto other = x.clone();
  other[699][4] += 1;
  CHECK(first != hash(other));
  const auto bytes = torch::randint(0, 255, {700, 8, 8}, torch::kUInt8);
  auto changed = bytes.clone();
  changed[650][7][7] += 1;
  CHECK(hash(bytes) != hash(changed));
}

}  // namespace
}  // namespace elbo

#include <doctest/doctest.h>

#include "elbo/data/dataset.h"
#include "elbo/data/open.h"
#include "elbo/io/image.h"
#include "files.h"
#include "open_with.h"
#include "pictures.h"

namespace elbo {
namespace {

namespace fs = std::filesystem;

std::string flat(int level) { return encode_png(torch::full({1, 8, 8}, level, torch::kUInt8)); }

std::string told(const Data& data) {
  std::string all;
  for (const auto& note : data->schemas().x.notes()) all += note + "\n";
  return all;
}

/// One category of MVTec: normal pictures to train on, tests of two kinds, masks of the defects.
void add_category(const TempFolder& folder, const std::string& root) {
  for (int i = 0; i < 4; ++i) {
    const auto name = "/00" + std::to_string(i) + ".png";
    folder.file(root + "/train/good" + name, flat(i));
    folder.file(root + "/test/good" + name, flat(10 + i));
    folder.file(root + "/test/broken" + name, flat(20 + i));
    folder.file(root + "/ground_truth/broken/00" + std::to_string(i) + "_mask.png", flat(255));
  }
}

TEST_CASE("parts are known whatever lies beside them, and masks are no pictures") {
  const TempFolder folder;
  add_category(folder, "bottle");
  folder.file("bottle/logo.png", flat(99));
  folder.file("bottle/readme.txt", "text");
  folder.file("bottle/Val/good/1.png", flat(3));
  const auto train = open_with(folder.at("bottle"));
  CHECK(train->size() == 4);
  CHECK(train->get(torch::arange(4)).x.max().item<double>() < 0.05);
  CHECK((train->schemas().y.detail["classes"] == Json{"broken", "good"}));
  const auto notes = told(train);
  CHECK(notes.find("masks of other pictures: 4 pictures in ground_truth") != std::string::npos);
  CHECK(notes.find("1 picture in logo.png") != std::string::npos);
  CHECK(notes.find("1 .txt") != std::string::npos);
  CHECK(notes.find("val/: 1 picture validates") != std::string::npos);
  DataOptions options;
  options.split = "test";
  CHECK(has_test_split(folder.at("bottle")));
  CHECK(open_data(folder.at("bottle"), options)->size() == 8);
  CHECK(open_with(folder.at("bottle"), {{"layout", "flat"}})->size() == 18);
  CHECK(open_with(folder.at("bottle"), {{"layout", "classes"}})->size() == 17);
}

TEST_CASE("parts below categories are parts") {
  const TempFolder folder;
  for (const auto* root : {"all/bottle", "all/cable"}) add_category(folder, root);
  const auto train = open_with(folder.at("all"));
  CHECK(train->size() == 8);
  CHECK((train->schemas().y.detail["classes"] ==
         Json{"bottle/broken", "bottle/good", "cable/broken", "cable/good"}));
}

TEST_CASE("a class may be called train, a folder mask a class") {
  const TempFolder folder;
  for (const auto* name :
       {"v/train/1.png", "v/bus/1.png", "m/mask/1.png", "m/no_mask/1.png", "i/images/1.png",
        "i/masks/1.png", "b/a.png", "b/a_mask.png", "b/c.png"}) {
    folder.file(name, flat(7));
  }
  CHECK((open_with(folder.at("v"))->schemas().y.detail["classes"] == Json{"bus", "train"}));
  CHECK((open_with(folder.at("m"))->schemas().y.detail["classes"] == Json{"mask", "no_mask"}));
  CHECK(open_with(folder.at("i"))->size() == 1);
  CHECK(open_with(folder.at("b"))->size() == 2);
  folder.file("v/3.png", flat(7));
  const auto mixed = open_with(folder.at("v"));
  CHECK(mixed->size() == 3);
  CHECK(told(mixed).find("1 picture in no folder of a class") != std::string::npos);
  CHECK(open_with(folder.at("v"), {{"layout", "classes"}})->size() == 2);
}

TEST_CASE("links are followed, once, and what is left out is counted by its ending") {
  const TempFolder folder;
  folder.file("real/1.png", flat(1));
  folder.file("real/2.png", flat(2));
  folder.file("set/cat/3.png", flat(3));
  folder.file("set/cat/notes.TXT", "text");
  fs::create_directory_symlink(folder.at("real"), folder.at("set/dog"));
  fs::create_symlink(folder.at("real/1.png"), folder.at("set/cat/4.png"));
  fs::create_symlink(folder.at("nowhere.png"), folder.at("set/cat/5.png"));
  fs::create_directory_symlink(folder.at("set"), folder.at("set/cat/again"));
  const auto data = open_with(folder.at("set"));
  CHECK(data->size() == 4);
  CHECK((data->schemas().y.detail["classes"] == Json{"cat", "dog"}));
  CHECK(told(data).find("files left out: 1 .txt") != std::string::npos);
  CHECK(told(data).find("2 links left out") != std::string::npos);
}

TEST_CASE("a picture that a later one of its archive replaces is counted") {
  const TempFolder folder;
  const auto path = folder.file(
      "a.tar", make_archive("tar", {{"1.png", flat(1)}, {"2.png", flat(2)}, {"1.png", flat(3)}}));
  const auto data = open_with(path);
  CHECK(data->size() == 2);
  CHECK((255 * data->get(torch::tensor({0})).x).round().eq(3).all().item<bool>());
  CHECK(told(data).find("a later one of the archive has the same name: 1") != std::string::npos);
}

TEST_CASE("pictures of 16 bits are numbers, unless 8 bits are asked for or learned") {
  const TempFolder folder;
  const auto deep = torch::tensor({{{200, 3999}, {1000, 2000}}}, torch::kInt32);
  folder.file("d/1.png", encode_deep_png(deep));
  folder.file("d/2.png", encode_deep_png(deep + 5));
  const auto data = open_with(folder.at("d"));
  CHECK(data->schemas().x.kind == Kind::kReal);
  CHECK(data->get(torch::tensor({0})).x.equal(deep.unsqueeze(0).to(torch::kFloat32)));
  CHECK(told(data).find("--depth 8") != std::string::npos);
  const auto bytes = open_with(folder.at("d"), {{"depth", "8"}});
  CHECK(bytes->schemas().x.kind == Kind::kByte);
  CHECK(told(bytes).find("rounded to 8") != std::string::npos);
  // A model of one kind reads the other.
  folder.file("e/1.png", encode_png(torch::full({1, 2, 2}, 2, torch::kUInt8)));
  const auto wide =
      open_with(folder.at("e"), Json::object(), std::make_shared<const Schemas>(data->schemas()));
  CHECK(wide->get(torch::tensor({0})).x.eq(514).all().item<bool>());
  const auto small = open_with(folder.at("e"));
  CHECK(open_with(folder.at("d"), Json::object(), std::make_shared<const Schemas>(small->schemas()))
            ->schemas()
            .x.kind == Kind::kByte);
  // Read as they are needed, pictures are bytes.
  CHECK(error_of([&] {
          open_with(folder.at("d"), {{"memory", 0.0}});
        }).find("--depth 8") != std::string::npos);
  CHECK(open_with(folder.at("d"), {{"memory", 0.0}, {"depth", "8"}})->size() == 2);
}

TEST_CASE("a picture that cannot be read is named, or left out and counted") {
  const TempFolder folder;
  folder.file("p/1.png", flat(1));
  folder.file("p/2.jpg", "<html>");
  CHECK(error_of([&] { open_with(folder.at("p")); }).find("2.jpg") != std::string::npos);
  const auto data = open_with(folder.at("p"), {{"skip_invalid", true}});
  CHECK(data->size() == 1);
  CHECK(told(data).find("1 of 2 pictures left out") != std::string::npos);
}

}  // namespace
}  // namespace elbo

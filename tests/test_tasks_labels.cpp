#include "elbo/data/label_rows.h"
#include "elbo/data/open.h"
#include "elbo/io/archive.h"
#include "elbo/io/npy.h"
#include "elbo/tasks/direction.h"
#include "files.h"
#include "near.h"

namespace elbo {
namespace {

DataOptions digit_options(int64_t rows) {
  DataOptions options;
  options.rows = rows;
  options.binarize = "threshold";
  return options;
}

TEST_CASE("few labels: so many of each class, the same for the same seed, the others unknown") {
  auto options = digit_options(400);
  const auto all = labels_of(*open_data("builtin:digits", options));
  options.labels_per_class = 3;
  const auto some = labels_of(*open_data("builtin:digits", options));
  const auto known = some >= 0;
  CHECK(known.sum().item<int64_t>() == 30);
  CHECK(torch::equal(some.masked_select(known), all.masked_select(known)));
  CHECK(torch::equal(torch::bincount(some.masked_select(known)), torch::full({10}, 3)));
  CHECK(torch::equal(some, labels_of(*open_data("builtin:digits", options))));
  options.label_seed = 1;
  CHECK_FALSE(torch::equal(some, labels_of(*open_data("builtin:digits", options))));
  options.labels_per_class = 300;
  CHECK(error_of([&] { open_data("builtin:digits", options); }).find("labelled rows, asked for") !=
        std::string::npos);
}

TEST_CASE("a label as condition is one-hot and named") {
  auto options = digit_options(50);
  options.condition = "label";
  const auto data = open_data("builtin:digits", options);
  const auto batch = data->get(torch::arange(50));
  CHECK(torch::equal(batch.c.argmax(1), batch.y));
  CHECK(torch::equal(batch.c.sum(1), torch::ones({50})));
  CHECK(class_names(data->schemas().c).at(7) == "7");
  options.binarize = "auto";
  CHECK(error_of([&] { open_data("builtin:gaussian", options); }) ==
        "[data] condition: the data have no labels");
}

TEST_CASE("arrays written as one archive come back") {
  const TempFolder folder;
  const auto x = torch::arange(24, torch::kUInt8).view({2, 3, 4});
  const auto bytes = npy_header(torch::kUInt8, {2, 3, 4})
                         .append(static_cast<const char*>(x.data_ptr()), x.nbytes());
  write_zip(folder.at("a.npz"), {{"x.npy", bytes}, {"note.txt", "hello"}});
  std::vector<std::string> names;
  read_archive(
      folder.at("a.npz"), [](const std::string&) { return true; },
      [&](const std::string& name, std::string content) {
        names.push_back(name);
        if (name == "x.npy") CHECK(torch::equal(parse_npy(content, name), x));
        if (name == "note.txt") CHECK(content == "hello");
      });
  CHECK(names == std::vector<std::string>{"x.npy", "note.txt"});
}

}  // namespace
}  // namespace elbo

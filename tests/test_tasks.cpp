#include "elbo/data/open.h"
#include "elbo/data/row_view.h"
#include "elbo/tasks/output.h"
#include "elbo/tasks/rows.h"
#include "elbo/tasks/walks.h"
#include "files.h"
#include "near.h"
#include "toy.h"

namespace elbo {
namespace {

Json small_nets(const Json& patch = Json::object()) {
  Json spec = default_spec();
  spec["encoder"] = spec["decoder"] = {{"type", "mlp"}, {"hidden", {16}}};
  spec["latent"] = {{"type", "flat"}, {"size", 3}};
  spec.merge_patch(patch);
  return spec;
}

Data digits(int64_t rows) {
  DataOptions options;
  options.rows = rows;
  options.binarize = "threshold";
  return open_data("builtin:digits", options);
}

std::vector<Json> latent_structures() {
  return {Json::object(),
          {{"latent", {{"type", "labelled"}, {"size", 3}}}},
          {{"prior", {{"type", "mixture"}, {"components", 4}}}}};
}

TEST_CASE("codes written down decode to what the model reconstructs") {
  for (const auto& patch : latent_structures()) {
    CAPTURE(patch.dump());
    Toy toy(small_nets(patch), digits(24));
    toy.model->eval();
    auto batch = toy.all();
    batch.y = Tensor();
    const auto layout = code_layout(*toy.model, toy.data->schemas());
    const auto codes = encode_batch(*toy.model, layout, batch);
    CHECK(codes.mean.sizes() == torch::IntArrayRef({24, layout.size}));
    const auto decoded = decode_codes(*toy.model, layout, codes.mean, batch.c)->mean();

    torch::NoGradGuard no_gradient;
    const auto inference = toy.model->infer(batch, 0);
    // Of the enumerated classes the likeliest is the one that was written down.
    const auto best = inference.trace.log_weight.argmax(0) * 24 + torch::arange(24);
    CHECK(torch::equal(decoded, inference.x->mean().index_select(0, best)));
  }
}

TEST_CASE("codes do not look at known labels") {
  Toy toy(small_nets({{"latent", {{"type", "labelled"}, {"size", 3}}}}), digits(24));
  toy.model->eval();
  const auto layout = code_layout(*toy.model, toy.data->schemas());
  auto batch = toy.all();
  REQUIRE(batch.y.defined());
  const auto with = encode_batch(*toy.model, layout, batch).mean;
  batch.y = (batch.y + 1).remainder(10);
  CHECK(torch::equal(with, encode_batch(*toy.model, layout, batch).mean));
}

TEST_CASE("the columns of a code are named by site and hold mean and deviation") {
  Toy flat(small_nets(), digits(8));
  auto layout = code_layout(*flat.model, flat.data->schemas());
  CHECK(layout.mean_names() == std::vector<std::string>{"z0", "z1", "z2"});
  CHECK(layout.deviation_names() == std::vector<std::string>{"s0", "s1", "s2"});
  const auto codes = encode_batch(*flat.model, layout, flat.all());
  CHECK((codes.deviation > 0).all().item<bool>());

  Toy labelled(small_nets({{"latent", {{"type", "labelled"}, {"size", 2}}}}), digits(8));
  layout = code_layout(*labelled.model, labelled.data->schemas());
  CHECK(layout.mean_names() == std::vector<std::string>{"y0", "z0", "z1"});
  CHECK(layout.deviation_names() == std::vector<std::string>{"s_y0", "s_z0", "s_z1"});
  CHECK(place_name("z1", 30) != place_name("z13", 0));
  Toy ladder(
      small_nets(
          {{"latent",
            {{"type", "ladder"}, {"size", nullptr}, {"sizes", {2, 1}}, {"widths", {8, 8}}}}}),
      digits(8));
  const auto levels = code_layout(*ladder.model, ladder.data->schemas());
  CHECK(levels.mean_names() == std::vector<std::string>{"z2.0", "z1.0", "z1.1"});
  CHECK(levels.deviation_names() == std::vector<std::string>{"s_z2.0", "s_z1.0", "s_z1.1"});
  const auto mixed = encode_batch(*labelled.model, layout, labelled.all());
  CHECK(mixed.deviation.isnan().sum(0).equal(torch::tensor({8, 0, 0})));
}

TEST_CASE("codes of another width, or with holes, are refused") {
  Toy toy(small_nets(), digits(8));
  const auto layout = code_layout(*toy.model, toy.data->schemas());
  CHECK(error_of([&] {
          as_sites(layout, torch::zeros({4, 5}));
        }) == "[codes] found rows of 5 values, the model's codes have 3");
  CHECK(error_of([&] {
          as_sites(layout, torch::full({1, 3}, NAN));
        }) == "[codes] a value is missing or not finite");
}

TEST_CASE("row files come back as they were written, block by block") {
  const TempFolder folder;
  const auto rows = torch::randn({10, 2, 3});
  for (const char* ending : {".npy", ".csv", ".tsv"}) {
    CAPTURE(ending);
    const auto path = folder.at(std::string("rows") + ending);
    const auto file = create_row_file(path, {10, {2, 3}, false, {}});
    file->append(rows.narrow(0, 0, 7));
    CHECK_FALSE(std::filesystem::exists(path));
    file->append(rows.narrow(0, 7, 3));
    file->commit();
    CHECK(torch::equal(read_rows(path), rows.flatten(1)));
  }
  CHECK(error_of([&] { create_row_file(folder.at("rows.xls"), {}); }).find("known: .csv") !=
        std::string::npos);
}

TEST_CASE("text rows may have a header, empty cells and other line ends, and nothing else") {
  const TempFolder folder;
  const auto rows = read_rows(folder.file("a.csv", "z0,\"s,0\"\r\n1.5,\r\n-2e3, 4\r\n\r\n"));
  REQUIRE(rows.sizes() == torch::IntArrayRef({2, 2}));
  CHECK(rows[0][0].item<float>() == 1.5f);
  CHECK(rows[0][1].isnan().item<bool>());
  CHECK(rows[1].equal(torch::tensor({-2000.f, 4.f})));
  const auto refused = [&](const std::string& text) {
    return error_of([&] { read_rows(folder.file("b.csv", text)); });
  };
  CHECK(refused("1,2\n3\n").find("line 2 has 1 cells, the first row has 2") != std::string::npos);
  CHECK(refused("1,2\n3,x\n").find("line 2: \"x\" is not a number") != std::string::npos);
  CHECK(refused("a,b\n").find("holds no rows") != std::string::npos);
}

TEST_CASE("pictures are laid out in reading order, real values stretched to the full range") {
  const Schema real{{1, 2, 2}, Kind::kReal, Json::object()};
  auto x = torch::zeros({3, 1, 2, 2});
  x[0].fill_(-4);
  x[2].fill_(4);
  const auto grid = PictureView(real).grid(x, 2);
  CHECK(grid.size(0) == 1);
  CHECK(grid[0][0][0].item<int>() == 0);
  CHECK(grid[0][0][grid.size(2) - 1].item<int>() == 128);
  CHECK(grid[0][grid.size(1) - 1][0].item<int>() == 255);

  const TempFolder folder;
  CHECK(error_of([&] {
          create_output(folder.at("a.png"), {{4}, Kind::kReal, Json::object()}, 3);
        }).find("are not pictures") != std::string::npos);
}

TEST_CASE("fixed values may be one number, all numbers of a row, or a file") {
  const TempFolder folder;
  CodeLayout layout;
  layout.parts = {{"y", {}, torch::kInt64, 0, 1}, {"z", {2, 2}, torch::kFloat32, 1, 4}};
  layout.size = 5;
  const auto path = folder.file("z.csv", "1,2,3,4\n5,6,7,8\n");
  auto values = parse_fixed(layout, "y=3;z=0.5");
  CHECK(values["y"].equal(torch::tensor({3})));
  CHECK(values["z"].equal(torch::full({1, 2, 2}, 0.5)));
  values = parse_fixed(layout, "z=" + path);
  CHECK(values["z"].equal(torch::arange(1, 9).view({2, 2, 2}).to(torch::kFloat32)));
  CHECK(parse_fixed(layout, "").empty());
  for (const char* text : {"w=1", "z=1,2", "z=a", "z", "z=nan"}) {
    CAPTURE(text);
    CHECK(error_of([&] { parse_fixed(layout, text); }).starts_with("[fix]"));
  }
}

TEST_CASE("a line through numbers of a codebook goes through numbers that the data use") {
  CodeLayout layout;
  layout.parts.push_back({"z", {2}, torch::kFloat32, 0, 2, true});
  layout.size = 2;
  const auto seen = torch::tensor({3.0f, 5.0f, 9.0f, 5.0f, 40.0f, 5.0f}).view({3, 2});
  const auto walk = traversal(layout, seen, 0, 1, 5, 2.5);
  CHECK(walk.dimensions == std::vector<int64_t>{0});
  CHECK(walk.codes.select(1, 0).equal(torch::tensor({3.0f, 3.0f, 9.0f, 40.0f, 40.0f})));
  CHECK(walk.codes.select(1, 1).equal(torch::full({5}, 5.0f)));
}

TEST_CASE("of each variable that is used one place is shown, the most used of all first") {
  CodeLayout layout;
  layout.parts.push_back({"z2", {2}, torch::kFloat32, 0, 2, false});
  layout.parts.push_back({"z1", {3}, torch::kFloat32, 2, 3, false});
  layout.size = 5;
  using Places = std::vector<int64_t>;
  CHECK(most_used(layout, torch::tensor({0.2f, 0.5f, 3.0f, 1.0f, 2.0f}), 3) == Places{2, 4, 1});
  CHECK(most_used(layout, torch::tensor({0.02f, 0.15f, 3.0f, 1.0f, 2.0f}), 3) == Places{2, 4, 3});
  CHECK(most_used(layout, torch::tensor({0.2f, 0.5f, 3.0f, 1.0f, 2.0f}), 9).size() == 5);
}

TEST_CASE("a walk between numbers of a codebook changes one after the other") {
  CodeLayout layout;
  layout.parts.push_back({"z", {3}, torch::kFloat32, 0, 3, true});
  layout.size = 3;
  const auto codes = walk(layout, torch::tensor({1.0f, 7.0f, 3.0f}),
                          torch::tensor({9.0f, 7.0f, 5.0f}), 5, "straight");
  CHECK(codes.select(1, 0).equal(torch::tensor({1.0f, 1.0f, 9.0f, 9.0f, 9.0f})));
  CHECK(codes.select(1, 1).equal(torch::full({5}, 7.0f)));
  CHECK(codes.select(1, 2).equal(torch::tensor({3.0f, 3.0f, 3.0f, 3.0f, 5.0f})));
}

}  // namespace
}  // namespace elbo

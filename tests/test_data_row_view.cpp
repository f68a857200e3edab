#include <doctest/doctest.h>

#include "elbo/data/components.h"
#include "elbo/data/open.h"
#include "elbo/data/row_view.h"
#include "files.h"
#include "near.h"
#include "open_with.h"

namespace elbo {
namespace {

/// The case that a visitor takes; molecules have one of their own.
std::string seen(const Schema& schema) {
  return std::visit(
      Cases{[](const PictureView&) { return "picture"; },
            [](const MoleculeView&) { return "molecules"; },
            [](const TextView&) { return "texts"; }, [](const TableView&) { return "table"; },
            [](const NumberView&) { return "numbers"; }},
      view_of(schema));
}

Schema schema_of(const std::string& data) { return open_data(data, {})->schemas().x; }

TEST_CASE("each kind of data has one view") {
  CHECK(seen({{1, 4, 5}, Kind::kByte, Json::object()}) == "picture");
  CHECK(seen({{3, 4, 5}, Kind::kReal, Json::object()}) == "picture");
  CHECK(seen({{2, 4, 5}, Kind::kReal, Json::object()}) == "numbers");
  CHECK(seen({{4, 5}, Kind::kUnit, Json::object()}) == "numbers");
  CHECK(seen({{4}, Kind::kToken, Json::object()}) == "numbers");
  CHECK(seen(schema_of("builtin:census")) == "table");
  CHECK(seen(schema_of("builtin:sentences")) == "texts");
  CHECK(seen(schema_of("builtin:molecules")) == "molecules");
  CHECK(seen(schema_of("builtin:telemetry")) == "numbers");
}

TEST_CASE("a case for texts serves molecules that have none of their own") {
  const auto texts = std::visit(
      Cases{[](const TextView&) { return true; }, [](const PictureView&) { return false; },
            [](const TableView&) { return false; }, [](const NumberView&) { return false; }},
      view_of(schema_of("builtin:molecules")));
  CHECK(texts);
  CHECK(TextView::shows(schema_of("builtin:molecules")));
  CHECK_FALSE(MoleculeView::shows(schema_of("builtin:sentences")));
}

TEST_CASE("pictures are read in the colours that the model knows") {
  const auto colours = torch::rand({2, 3, 4, 4}), grey = torch::rand({2, 1, 4, 4});
  const PictureView one({{1, 4, 4}, Kind::kByte, Json::object()});
  const PictureView three({{3, 4, 4}, Kind::kByte, Json::object()});
  const PictureView bits({{1, 4, 4}, Kind::kBinary, Json::object()});
  CHECK_CLOSE(one.read(colours), colours.mean(1, true), 0);
  CHECK_CLOSE(three.read(grey), grey.expand({2, 3, 4, 4}), 0);
  CHECK_CLOSE(bits.read(grey), (grey >= 0.5).to(torch::kFloat32), 0);
}

TEST_CASE("numbers of rows have names and spellings") {
  const auto pixels = components_of({{3, 4, 5}, Kind::kByte, Json::object()});
  CHECK(pixels->name(27) == "pixel 1,2 channel 1");
  const auto window = components_of({{2, 2}, Kind::kReal, {{"columns", {"speed", "heat"}}}});
  CHECK(window->name(1) == "heat (1 before)");
  CHECK(window->name(2) == "speed");
  CHECK(components_of({{4}, Kind::kReal, Json::object()})->name(3) == "x3");

  const TempFolder folder;
  std::string text = "size,colour\n";
  for (int i = 0; i < 100; ++i) text += "1." + std::to_string(10 + i % 80) + ",red\n2.25,blue\n";
  const auto data = open_data(folder.file("a.csv", text), {});
  const auto cells = components_of(data->schemas().x);
  CHECK(cells->name(1) == "colour");
  CHECK(cells->value(0, 9) == "2.25");
  CHECK(cells->true_value(0, 9) == "9.00");
  CHECK(cells->true_value(0, NAN) == "");

  const auto tokens = components_of(schema_of("builtin:sentences"));
  CHECK(tokens->name(0) == "token 1");
  CHECK(tokens->value(0, 0) == "the end");
  CHECK(tokens->value(0, NAN) == "");
}

}  // namespace
}  // namespace elbo

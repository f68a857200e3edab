#include "elbo/data/column_types.h"
#include "elbo/data/open.h"
#include "elbo/data/row_store.h"
#include "elbo/data/table.h"
#include "files.h"
#include "near.h"
#include "open_with.h"
#include "tolerance.h"

namespace elbo {
namespace {

/// A table written to a file and opened; `own` are the reader's options.
Data open_text(const std::string& text, const Json& own = Json::object(),
               std::shared_ptr<const Schemas> like = nullptr) {
  const TempFolder folder;
  return open_with(folder.file("a.csv", text), own, std::move(like));
}

std::string refusal(const std::string& text, const Json& own = Json::object()) {
  return error_of([&] { open_text(text, own); });
}

bool says(const std::string& message, const std::string& part) {
  INFO(message);
  CHECK(message.find(part) != std::string::npos);
  return message.find(part) != std::string::npos;
}

Json column(const Data& data, const std::string& name) {
  const auto schema = data->schemas().x;
  for (const auto& c : schema.detail["columns"]) {
    if (c["name"] == name) return c;
  }
  return Json::object();
}

std::string type_of(const Data& data, const std::string& name) {
  return column(data, name).value("type", "none");
}

Batch all_rows(const Data& data) { return data->get(torch::arange(data->size())); }

/// 60 rows of columns of every type, with holes.
std::string mixed_table() {
  std::string text = "id,age,height,income,grade,city,smoker,born,unit,empty\n";
  const char* cities[] = {"Rome", "Paris, FR", "Oslo"};
  for (int i = 0; i < 60; ++i) {
    text += std::to_string(i + 1) + "," + (i % 10 == 3 ? "NA" : std::to_string(20 + i * 7 % 50)) +
            "," + std::to_string(150 + i % 37) + "." + std::to_string(i % 10) + "," +
            (i % 5 == 0 ? "0" : std::to_string(100 * (1 << (i % 14)))) + ".5," +
            std::to_string(1 + i % 5) + ",\"" + cities[i % 3] + "\"," + (i % 2 ? "yes" : "no") +
            ",19" + std::to_string(50 + i % 40) + "-03-1" + std::to_string(i % 10) + ",kg,\n";
  }
  return text;
}

TEST_CASE("types are found out, and what tells nothing is left out with a word") {
  const auto data = open_text(mixed_table());
  CHECK(data->size() == 60);
  CHECK(type_of(data, "age") == "count");
  CHECK(type_of(data, "height") == "real");
  CHECK(type_of(data, "income") == "positive");
  CHECK(type_of(data, "grade") == "ordinal");
  CHECK(type_of(data, "city") == "category");
  CHECK(type_of(data, "smoker") == "binary");
  CHECK(type_of(data, "born") == "date");
  const auto notes = data->schemas().x.detail["notes"].dump();
  says(notes, "\\\"id\\\" left out: a running number");
  says(notes, "\\\"unit\\\" left out: constant");
  says(notes, "\\\"empty\\\" left out: all of its cells are missing");
  CHECK(column(data, "city")["classes"] == Json{"Oslo", "Paris, FR", "Rome"});
  const auto batch = all_rows(data);
  CHECK(batch.x.sizes() == torch::IntArrayRef({60, 7}));
  CHECK(batch.mask[3][0].item<float>() == 0);
  CHECK(batch.mask.sum().item<float>() == 60 * 7 - 6);
}

TEST_CASE("values come back in the spelling that they had") {
  const auto data = open_text(mixed_table());
  const auto x = all_rows(data).x;
  std::vector<Cells> cells;
  for (auto& c : columns_of(data->schemas().x)) cells.emplace_back(c);
  const std::string expected[] = {"27", "151.1", "200.5", "2", "Paris, FR", "yes", "1951-03-11"};
  for (size_t i = 0; i < cells.size(); ++i) {
    CHECK(cells[i].text(x[1][static_cast<int64_t>(i)].item<double>()) == expected[i]);
  }
  // Beyond what has been seen there is nothing.
  CHECK(cells[0].text(1e9) == "69");
  CHECK(cells[4].text(99) == "Rome");
}

TEST_CASE("a person's types stand above those found out") {
  const auto data =
      open_text(mixed_table(), {{"types", "age=real,grade=category,smoker=label,id=count"}});
  CHECK(type_of(data, "age") == "real");
  CHECK(type_of(data, "grade") == "category");
  CHECK(type_of(data, "id") == "count");
  CHECK(type_of(data, "smoker") == "none");
  CHECK(data->schemas().y.detail["classes"] == Json{"no", "yes"});
  CHECK(all_rows(data).y.slice(0, 0, 3).equal(torch::tensor({0, 1, 0})));
  const auto sized = open_text("s,x\nM,1.5\nS,2.25\nL,3\nS,4\n", {{"types", "s=ordinal(S|M|L)"}});
  CHECK(all_rows(sized).x.select(1, 0).equal(torch::tensor({1.f, 0.f, 2.f, 0.f})));

  says(refusal(mixed_table(), {{"types", "agee=real"}}), "agee: no such column; known: id, age");
  says(refusal(mixed_table(), {{"types", "age=number"}}), "unknown type \"number\"; known: real");
  says(refusal(mixed_table(), {{"types", "city=real"}}),
       "column \"city\": \"Rome\" (line 2) is not a number, the column is to be of type real");
  says(refusal(mixed_table(), {{"types", "height=count"}}), "numbers with decimals");
  says(refusal(mixed_table(), {{"typ", 3}}), "\"typ\"");
}

TEST_CASE("other data are read with a model's schema, in any order of columns") {
  const auto data = open_text(mixed_table());
  const auto like = std::make_shared<const Schemas>(data->schemas());
  const auto other =
      open_text("more,smoker,born,city,grade,income,height,age\n7,no,1960-01-01,Oslo,3,,161.5,33\n",
                Json::object(), like);
  const auto batch = all_rows(other);
  CHECK(other->schemas().x.detail == data->schemas().x.detail);
  CHECK(batch.x[0][0].item<float>() == 33);
  CHECK(batch.x[0][4].item<float>() == 0);
  CHECK(batch.mask[0][2].item<float>() == 0);
  const auto refused = [&](const std::string& text) {
    return error_of([&] { open_text(text, Json::object(), like); });
  };
  says(refused("age,city\n1,Oslo\n"), "lacks the columns height, income");
  says(refused("smoker,born,city,grade,income,height,age\nno,1960-01-01,Bonn,3,1,2,3\n"),
       "line 2, column 3 \"city\": \"Bonn\" is none of its 3 known values (Oslo, Paris, FR, Rome)");
  says(refused("smoker,born,city,grade,income,height,age\nno,1960-01-01,Oslo,3,-1,2,3\n"),
       "column 5 \"income\": \"-1\" is negative");
}

TEST_CASE("hostile tables are refused, naming line and column") {
  says(refusal("a,b\n1,2\n3\n"), "line 3 has 1 cells, the first line 2");
  says(refusal("a,b\n1.5,2\n1e400,3\n"), "line 3, column 1 \"a\": \"1e400\" is beyond the range");
  says(refusal("a,b\n"), "holds no rows below its header");
  says(refusal(""), "is empty");
  says(refusal("a,b\n,x\n,x\n"), "no column to learn from");
  says(refusal("a,b\nx,\xe9\ny,z\n"), "line 2, column 2 \"b\": is not UTF-8");
  std::string text = "a\n";
  for (int i = 0; i < 300; ++i) text += std::to_string(i) + ".5\n";
  says(refusal(text + "oops\n"), "\"oops\" (line 302) is not a number, 300 of 301 cells are");
  CHECK(refusal(text + "oops\n", {{"missing", "-,oops"}}).empty());
  says(error_of([] {
         DataOptions options;
         options.resize = "8x8";
         const TempFolder folder;
         open_data(folder.file("a.csv", "a\n1.5\n2\n"), options);
       }),
       "only images can be resized");
}

TEST_CASE("identifiers are left out and rare classes grouped") {
  std::string text = "who,town\n";
  for (int i = 0; i < 3000; ++i) {
    const int town = i % 150;
    text +=
        "person " + std::to_string(i) + ",t" + std::to_string(town < 120 ? town : 1000 + i) + "\n";
  }
  const auto data = open_text(text);
  says(data->schemas().x.detail["notes"].dump(), "nearly every row has a text of its own");
  const auto town = column(data, "town");
  CHECK(town["classes"].size() == 121);
  CHECK(town["other"] == true);
  CHECK(Cells(column_from_json(town, "test")).value("elsewhere") == 120);
}

TEST_CASE("names are made different, decimal commas and delimiters are found out") {
  const auto data = open_text("a;a;\n1,5;2;x\n2,25;3,5;y\n7;1;z\n");
  const auto detail = data->schemas().x.detail;
  CHECK(detail["delimiter"] == ";");
  says(detail["notes"].dump(), "a second \\\"a\\\" is called \\\"a.2\\\"");
  const auto first = columns_of(data->schemas().x)[0];
  CHECK(first.spelling.comma);
  CHECK(Cells(first).text(2.25) == "2,25");
  CHECK(all_rows(data).x[1][1].item<float>() == 3.5f);

  const auto bare = open_text("1.5,2\n3,4.25\n5,7.5\n");
  CHECK(bare->size() == 3);
  CHECK(bare->schemas().x.detail["header"] == false);
  CHECK(type_of(bare, "x1") == "real");
}

TEST_CASE("dates are seconds that keep their precision") {
  CHECK(*parse_date("1970-01-02") == 86400);
  CHECK(*parse_date("2024-02-29T07:05:09.5Z") == 1709190309.5);
  CHECK(*parse_date("2024/2/29 7:05") == 1709190300);
  for (const char* bad :
       {"2023-02-29", "2024-13-01", "24-01-01", "2024-01-01x", "2024-01-01 25:00", "2024", "abc"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_date(bad).has_value());
  }
  const auto data = open_text(
      "t,v\n2024-02-29 07:05:09,1.5\n2024-02-29 07:05:10,2\n"
      "2024-02-29 07:06:00,2.5\n");
  CHECK(type_of(data, "t") == "date");
  const auto t = all_rows(data).x.select(1, 0);
  CHECK((t[1] - t[0]).item<float>() == 1);
  CHECK(Cells(columns_of(data->schemas().x)[0]).text(t[2].item<double>()) == "2024-02-29 07:06:00");
}

TEST_CASE("rows that do not fit into memory are the same on the disk") {
  RandomScope scope(9);
  const auto x = torch::randn({1000, 3});
  RowStore kept(3), written(3, 300);
  for (int64_t r = 0; r < x.size(0); ++r) {
    const auto* row = x[r].data_ptr<float>();
    kept.append({row, row + 3});
    written.append({row, row + 3});
  }
  CHECK_FALSE(kept.on_disk());
  CHECK(written.on_disk());
  const auto which = torch::tensor({999, 0, 500, 500, 3});
  CHECK(torch::equal(kept.rows(which), x.index_select(0, which)));
  CHECK(torch::equal(written.rows(which), x.index_select(0, which)));
}

TEST_CASE("moments in one pass are those of two") {
  RandomScope scope(3);
  const auto x = torch::randn({500}, torch::kFloat64).exp() + 1e6;
  Moments moments;
  for (int64_t i = 0; i < x.numel(); ++i) moments.add(x[i].item<double>());
  const auto deviation = x - x.mean();
  const auto spread = deviation.square().mean().sqrt();
  CHECK_CLOSE(moments.mean(), x.mean().item<double>(), kGoldenDouble);
  CHECK_CLOSE(moments.deviation(), spread.item<double>(), kFiniteDifference);
  CHECK_CLOSE(moments.skewness(), (deviation / spread).pow(3).mean().item<double>(),
              kFiniteDifference);
}

TEST_CASE("a schema that was edited into nonsense is refused") {
  const Json good = {{"name", "a"}, {"type", "real"}, {"scale", 2.0}};
  const auto refused = [&](const Json& patch) {
    auto j = good;
    j.merge_patch(patch);
    return error_of([&] { column_from_json(j, "schema"); });
  };
  CHECK(refused(Json::object()).empty());
  says(refused({{"type", "ignore"}}), "type \"ignore\"; known: real");
  says(refused({{"type", "category"}}), "type category with 0 classes");
  says(refused({{"scale", 0}}), "must be positive");
  says(refused({{"scale", "wide"}}), "type must be number");
  says(refused({{"name", nullptr}}), "key 'name' not found");
}

TEST_CASE("damaged tables are read or refused, and never crash") {
  const TempFolder folder;
  int64_t files = 0;
  fuzz(mixed_table().substr(0, 900), 300, [&](const std::string& text) {
    open_data(folder.file(std::to_string(files++) + ".csv", text), {});
  });
}

}  // namespace
}  // namespace elbo

#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include "elbo/data/stream.h"
#include "files.h"
#include "open_with.h"

namespace elbo {
namespace {

Data open_steps(const TempFolder& folder, const std::string& text,
                const Json& reader = Json::object(),
                std::shared_ptr<const Schemas> like = nullptr) {
  return open_with("series:" + folder.file("s.csv", text), reader, std::move(like));
}

std::string series_notes(const Data& data) {
  std::string all;
  for (const auto& note : data->schemas().x.notes()) all += note + "\n";
  return all;
}

std::string series_error(const TempFolder& folder, const std::string& text,
                         const Json& reader = Json::object()) {
  return error_of([&] { open_steps(folder, text, reader); });
}

/// Three machines of 8, 6 and 7 steps; s is 100 for the first, 200 for the second, …
std::string machines(bool header, const std::string& between) {
  std::string text = header ? "unit" + between + "cycle" + between + "s\n" : "";
  const int lengths[] = {8, 6, 7};
  for (int unit = 1; unit <= 3; ++unit) {
    for (int cycle = 1; cycle <= lengths[unit - 1]; ++cycle) {
      text += std::to_string(unit) + between + std::to_string(cycle) + between +
              std::to_string(100 * unit + cycle % 3) + "\n";
    }
  }
  return text;
}

TEST_CASE("windows stay within a machine, which a counter gives away or an option names") {
  const TempFolder folder;
  for (const auto& text : {machines(true, ","), machines(false, " "), machines(false, "  ")}) {
    const auto data = open_steps(folder, text, {{"window", 4}});
    CHECK(data->size() == 5 + 3 + 4);
    CHECK(data->schemas().x.shape == Shape{4, 1});
    const auto x = data->get(torch::arange(12)).x.squeeze(2);
    CHECK((x.amax(1) - x.amin(1)).max().item<double>() < 50);
    CHECK(series_notes(data).find("names 3 series") != std::string::npos);
    CHECK(series_notes(data).find("running number") != std::string::npos);
  }
  CHECK(open_steps(folder, machines(true, ","), {{"window", 4}, {"entity", "none"}})->size() == 18);
  const auto shuffled = "m,x\na,1\nb,5\na,1\nb,5\na,2\nb,6\n";
  const auto apart = open_steps(folder, shuffled, {{"window", 3}, {"entity", "m"}});
  CHECK(apart->size() == 2);
  CHECK(apart->get(torch::tensor({1})).x.flatten().equal(torch::tensor({5.f, 5.f, 6.f})));
  CHECK(apart->row_name(1) == "b 5");
  CHECK(series_error(folder, shuffled, {{"entity", "q"}}).find("known: m, x") != std::string::npos);
  // A model keeps what it learned: a file of one machine has the same columns.
  const auto like = std::make_shared<const Schemas>(
      open_steps(folder, machines(true, ","), {{"window", 4}})->schemas());
  const auto one =
      open_steps(folder, "s,cycle,unit\n1,1,9\n2,2,9\n3,3,9\n4,4,9\n", {{"window", 4}}, like);
  CHECK(one->get(torch::tensor({0})).x.flatten().equal(torch::tensor({1.f, 2.f, 3.f, 4.f})));
}

TEST_CASE("a counter's changes are those of the file, however large it is") {
  const TempFolder folder;
  std::string text = "total,still\n";
  for (int i = 0; i < 200; ++i) {
    char line[64];
    std::snprintf(line, sizeof line, "%.2f,%.2f\n", 123456789.05 + 1.25 * i, 1e8 + 0.25 * (i % 3));
    text += line;
  }
  const auto data = open_steps(folder, text);
  const auto x = data->get(torch::arange(200)).x;
  CHECK((x.select(1, 0).narrow(0, 1, 199) - 1.25).abs().max().item<double>() < 1e-6);
  CHECK((x.select(1, 1).amax() - x.select(1, 1).amin()).item<double>() == doctest::Approx(0.5));
  const auto origin = data->schemas().x.origin();
  REQUIRE(origin.defined());
  CHECK(origin[0][0].item<double>() == 0);
  CHECK((x[2][1].item<double>() + origin[0][1].item<double>()) == doctest::Approx(1e8 + 0.5));
  CHECK(series_notes(data).find("far from zero") != std::string::npos);
  // Read by the model, one file's offset is not another's.
  const auto like = std::make_shared<const Schemas>(data->schemas());
  const auto other =
      open_steps(folder, "total,still\n5,100000000.75\n6,100000000.75\n", Json::object(), like);
  CHECK(other->get(torch::arange(2))
            .x[1]
            .equal(torch::tensor(
                {1.f, static_cast<float>(100000000.75 - origin[0][1].item<double>())})));
  // Lines one by one are the same rows.
  folder.file("lines.csv", text);
  const auto stream = open_stream(folder.at("lines.csv"), data->schemas(), Json::object());
  for (int64_t i = 0; i < 5; ++i) {
    REQUIRE(stream->next());
    CHECK(stream->batch().x[0].equal(x[i]));
  }
}

TEST_CASE("Unix time is the time, in seconds and in milliseconds") {
  const TempFolder folder;
  for (const auto* thousands : {"", "000"}) {
    std::string text = "timestamp,v\n";
    for (int i = 0; i < 30; ++i) {
      text += std::to_string(1222819200 + 60 * i + (i > 20 ? 100000 : 0)) + thousands + "," +
              std::to_string(i % 4) + "\n";
    }
    const auto data = open_steps(folder, text, {{"window", 3}});
    CHECK(data->schemas().x.shape == Shape{3, 1});
    CHECK(data->size() == 19 + 7);
    CHECK(series_notes(data).find("Unix time in ") != std::string::npos);
    CHECK(series_notes(data).find("1 gap in time") != std::string::npos);
    CHECK(open_steps(folder, text, {{"types", "timestamp=real"}})->schemas().x.shape == Shape{2});
  }
  // Large numbers under another name are a measurement.
  CHECK(open_steps(folder, "energy,v\n1222819200,1\n1222819300,2\n1222819400,1\n")
            ->schemas()
            .x.shape == Shape{2});
}

TEST_CASE("days and months are told apart by the cells, by the order of time, or asked for") {
  const TempFolder folder;
  const auto column = [&](const std::vector<std::string>& days) {
    std::string text = "day,v\n";
    for (const auto& day : days) text += day + ",1.5\n";
    return text;
  };
  CHECK(series_notes(open_steps(folder, column({"03/04/2021", "27/04/2021", "28/04/2021"})))
            .find("day/month") != std::string::npos);
  CHECK(series_notes(
            open_steps(folder, column({"01/02/2021", "01/03/2021", "01/04/2021", "02/01/2021"})))
            .find("month/day") != std::string::npos);
  const auto both = column({"01/01/2021", "02/02/2021", "03/03/2021", "03/04/2021"});
  CHECK(series_error(folder, both).find("date(dmy)") != std::string::npos);
  CHECK(open_steps(folder, both, {{"types", "day=date(mdy)"}})->size() == 4);
  CHECK(series_error(folder, both, {{"types", "day=date(xyz)"}}).find("known: ymd") !=
        std::string::npos);
  CHECK(series_error(folder, column({"2021-01-01", "yesterday", "2021-01-03"}),
                     {{"types", "day=date"}})
            .find("yesterday") != std::string::npos);
  // A text among dates is no missing value in silence.
  CHECK(series_error(folder, column({"2021-01-01", "yesterday", "2021-01-03"})) != "");
  const auto offsets = column(
      {"2021-10-31 02:30:00+02:00", "2021-10-31 02:00:00+01:00", "2021-10-31 02:30:00+01:00"});
  CHECK(open_steps(folder, offsets)->row_name(1) == "2021-10-31 02:00:00+01:00");
}

TEST_CASE("clocks that are set back, and rows of one second, are no gaps") {
  const TempFolder folder;
  std::string local = "time,v\n", same = "time,v\n";
  for (int i = 0; i < 96; ++i) {  // half hours; at 03:00 summer time it is 02:00 again
    const int minutes = 30 * i < 27 * 60 ? 30 * i : 30 * i - 60;
    char line[64];
    std::snprintf(line, sizeof line, "2023-10-%02d %02d:%02d:00,%d\n", 28 + minutes / 1440,
                  minutes % 1440 / 60, minutes % 60, i % 5);
    local += line;
    std::snprintf(line, sizeof line, "2024-03-01 00:00:%02d,%d\n", i / 3, i % 5);
    if (i < 90) same += line;
  }
  const auto data = open_steps(folder, local, {{"window", 6}});
  CHECK(data->size() == 91);
  CHECK(series_notes(data).find("daylight saving") != std::string::npos);
  const auto together = open_steps(folder, same, {{"window", 6}});
  CHECK(together->size() == 85);
  CHECK(series_notes(together).find("60 steps have the same time") != std::string::npos);
  CHECK(
      series_error(folder, "time,v\n2024-01-02,1\n2024-01-01,1\n2024-01-03,1\n").find("--entity") !=
      std::string::npos);
}

TEST_CASE("states are numbers, and come back as words") {
  const TempFolder folder;
  std::string text = "valve,alarm,flow\n";
  for (int i = 0; i < 30; ++i) {
    text += std::string(i % 3 ? "OFF" : "ON") + "," + (i % 5 ? "False" : "True") + "," +
            std::to_string(i % 7) + ".5\n";
  }
  const auto data = open_steps(folder, text);
  CHECK(data->get(torch::tensor({0, 1}))
            .x.equal(torch::tensor({{1.f, 1.f, 0.5f}, {0.f, 0.f, 1.5f}})));
  CHECK(series_notes(data).find("\"valve\": OFF = 0, ON = 1") != std::string::npos);
  const auto like = std::make_shared<const Schemas>(data->schemas());
  const auto on =
      open_steps(folder, "valve,alarm,flow\nON,False,1\nON,False,2\n", Json::object(), like);
  CHECK(on->get(torch::tensor({0})).x.equal(torch::tensor({{1.f, 0.f, 1.f}})));
  CHECK(error_of([&] {
          open_steps(folder, "valve,alarm,flow\nBROKEN,False,1\n", Json::object(), like);
        }).find("allowed: OFF, ON") != std::string::npos);
  const auto three = "mode,v\nlow,1\nhigh,2\nmid,3\n";
  CHECK(series_error(folder, three).find("ordinal(low|high|mid)") != std::string::npos);
  const auto ordered = open_steps(folder, three, {{"types", "mode=ordinal(low|mid|high)"}});
  CHECK(ordered->get(torch::tensor({1})).x[0][0].item<float>() == 2);
}

}  // namespace
}  // namespace elbo

#include <doctest/doctest.h>

#include <cmath>

#include "elbo/eval/chart.h"
#include "files.h"
#include "near.h"

namespace elbo {
namespace {

TEST_CASE("a chart comes back from its JSON, numbers that are not finite as gaps") {
  const Chart lines{Chart::Form::kLines, "a & b", "share", "nats", {}, {{"one", {0, 1}, {2, NAN}}}};
  const auto j = to_json(lines);
  CHECK(j["series"][0]["y"].dump() == "[2.0,null]");
  const auto back = chart_from_json(j);
  CHECK(back.title == "a & b");
  CHECK(back.x == "share");
  CHECK(back.lines[0].x == std::vector<double>{0, 1});
  CHECK(std::isnan(back.lines[0].y[1]));
  CHECK(to_json(back) == j);

  const Chart bars{Chart::Form::kBars, "b", "", "nats", {"u", "v"}, {{"p", {}, {1, 2}}}};
  CHECK(to_json(chart_from_json(to_json(bars))) == to_json(bars));
}

TEST_CASE("a chart that cannot be drawn is refused") {
  const auto refused = [](Json patch) {
    Json j = to_json({Chart::Form::kBars, "b", "", "", {"u", "v"}, {{"p", {}, {1, 2}}}});
    j.merge_patch(patch);
    return error_of([&] { chart_from_json(j); });
  };
  CHECK(refused({{"form", "pie"}}) == "[chart] form: \"pie\"; allowed: bars, lines");
  CHECK(refused({{"names", {"u"}}}) == "[chart] y: found 2 numbers, expected 1");
  CHECK(refused({{"title", 3}}) == "[chart] title: 3 is not a text");
}

}  // namespace
}  // namespace elbo

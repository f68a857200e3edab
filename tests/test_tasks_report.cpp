#include <cmath>
#include <regex>

#include "elbo/eval/chart.h"
#include "elbo/eval/embedding.h"
#include "elbo/eval/metric.h"
#include "elbo/io/base64.h"
#include "elbo/io/image.h"
#include "elbo/tasks/chart.h"
#include "elbo/tasks/report.h"
#include "elbo/train/plan.h"
#include "files.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

std::shared_ptr<const Run> trained_run(const TempFolder& folder, const std::string& name,
                                       const std::string& data, const std::string& setting) {
  TrainRequest request;
  request.data = data;
  request.data_options = {{"rows", 300}};
  request.train_options = {{"epochs", 2}};
  request.settings = {setting, "encoder.type=mlp", "encoder.hidden=[16]", "decoder.type=mlp",
                      "decoder.hidden=[16]"};
  const auto plan = plan_training(request);
  auto run = std::make_shared<Run>(Run::create(folder.at(name), plan.facts, plan.schemas, false));
  fit(*run, {}, plan.data);
  return run;
}

ReportOptions quick() {
  ReportOptions options;
  options.rows = 60;
  options.draws = 2;
  return options;
}

int64_t occurrences(const std::string& text, const std::string& pattern) {
  const std::regex wanted(pattern);
  return std::distance(std::sregex_iterator(text.begin(), text.end(), wanted),
                       std::sregex_iterator());
}

/// What holds for every page.
void check_page(const std::string& html) {
  CHECK(html.size() <= kMostPage);
  // Pictures and links lie within the page, and each picture has its text.
  CHECK(occurrences(html, "(src|href)=\"(?!data:|#)") == 0);
  CHECK(occurrences(html, "url\\(|@import|fetch\\(|XMLHttpRequest") == 0);
  CHECK(occurrences(html, "<img ") == occurrences(html, "<img alt=\"[^\"]+\""));
  CHECK(occurrences(html, "<svg ") ==
        occurrences(html, "<svg [^>]*role=\"img\" aria-label=\"[^\"]+\""));
  CHECK(occurrences(html, "<section id=") == occurrences(html, "</section>"));
  CHECK(occurrences(html, "nan|inf\\b") == 0);
}

TEST_CASE("a report on pictures holds every section, with texts for its pictures") {
  const TempFolder folder;
  const auto html = report_page({trained_run(folder, "<run>", "builtin:digits", "latent.size=4")},
                                quick(), [](double) {});
  check_page(html);
  for (const char* id : {"diagnosis", "model", "figures", "curves", "samples", "reconstructions",
                         "traversals", "interpolations", "map", "dimensions", "scores"}) {
    CAPTURE(id);
    CHECK(occurrences(html, "<section id=\"" + std::string(id) + "\"") == 1);
  }
  CHECK(occurrences(html, "<img ") == 4);
  CHECK(html.find("&lt;run&gt;") != std::string::npos);
  CHECK(html.find("<run>") == std::string::npos);
}

TEST_CASE("a report on numbers shows their marginals and correlations instead of pictures") {
  const TempFolder folder;
  const auto html = report_page({trained_run(folder, "a", "builtin:gaussian", "latent.size=2")},
                                quick(), [](double) {});
  check_page(html);
  CHECK(occurrences(html, "<img ") == 0);
  CHECK(occurrences(html, "aria-label=\"x[0-7]: data with mean") == 8);
  CHECK(occurrences(html, "Correlations in (the data|samples)</text>") == 2);
}

TEST_CASE("a report on a table has its columns, classes by name, and associations") {
  const TempFolder folder;
  const auto html = report_page({trained_run(folder, "a", "builtin:census", "latent.size=2")},
                                quick(), [](double) {});
  check_page(html);
  CHECK(occurrences(html, "<section id=\"columns\"") == 1);
  CHECK(occurrences(html, "Associations in (the data|samples)</text>") == 2);
  CHECK(occurrences(html, "<title>data, bachelor: ") == 1);
  CHECK(occurrences(html, "<td>share wrong</td>") > 2);
  // What one wants to see stands first.
  CHECK(html.find("id=\"summary\"") < html.find("<section id=\"samples\""));
  CHECK(html.find("<section id=\"samples\"") < html.find("<section id=\"diagnosis\""));
}

/// A metric of somebody else's, with a curve and more bars than fit.
const bool own_metric =
    metrics().add<NoOptions>("own_curve", "a metric of this test", [](const NoOptions&) {
      return make_metric({}, [](Subject& s) -> Json {
        Chart curve{Chart::Form::kLines, "Own <curve>", "step", "metres", {}, {}};
        curve.lines.push_back({"way", {0, 1, 2}, {5, 7, NAN}});
        Chart bars{Chart::Form::kBars, "Own bars", "",
                   "metres",           {},         {{"p", {}, {}}, {"q", {}, {}}}};
        for (int i = 0; i < 120; ++i) {
          bars.names.push_back("b" + std::to_string(i));
          bars.lines[0].y.push_back(i);
          bars.lines[1].y.push_back(i + 0.5);
        }
        return {{"charts", {to_json(curve), to_json(bars)}}, {"protocol", {{"rows", s.size()}}}};
      });
    });

TEST_CASE("a report draws the charts of any metric") {
  const TempFolder folder;
  const auto run = trained_run(folder, "a", "builtin:digits", "latent.size=4");
  auto options = quick();
  options.metrics = "own_curve,information";
  const auto html = report_page({run}, options, [](double) {});
  check_page(html);
  CHECK(occurrences(html, "<section id=\"charts\"") == 1);
  CHECK(html.find("Own &lt;curve&gt;</text>") != std::string::npos);
  CHECK(html.find("<title>way, step 1: 7</title>") != std::string::npos);
  CHECK(html.find("<p class=\"soft\">own curve: metres</p>") != std::string::npos);
  CHECK(html.find("<title>q, b99: 99.5</title>") != std::string::npos);
  CHECK(html.find("<title>q, b100: ") == std::string::npos);
  CHECK(html.find("The first 100 of 120; elbo evaluate --json has all.") != std::string::npos);
  CHECK(html.find("<title>KL, z3: ") != std::string::npos);
  CHECK(occurrences(report_page({run}, quick(), [](double) {}), "id=\"charts\"") == 0);
}

TEST_CASE("several runs stand side by side") {
  const TempFolder folder;
  const auto html =
      report_page({trained_run(folder, "one", "builtin:digits", "latent.size=4"),
                   trained_run(folder, "two", "builtin:digits", "objective.beta=100")},
                  quick(), [](double) {});
  check_page(html);
  CHECK(occurrences(html, "<section id=\"comparison\"") == 1);
  CHECK(occurrences(html, "<img ") == 8);
  CHECK(occurrences(html, "<h3>one</h3>") == occurrences(html, "<h3>two</h3>"));
  CHECK(occurrences(html, "the KL is weighed 100 times") == 1);
  CHECK(occurrences(html, "<th>objective.beta</th>") == 1);
  CHECK(occurrences(html, "</strong> best") == 2);
  CHECK(occurrences(html, "The objectives differ") == 1);
}

TEST_CASE("charts carry their values, and survive values that are none") {
  const auto lines =
      line_chart("loss & <more>", "epoch", {{"train", {1, 2, 3}, {5, NAN, 4}, 0, false}});
  CHECK(lines.find("loss &amp; &lt;more&gt;") != std::string::npos);
  CHECK(occurrences(lines, "<circle") == 2);
  CHECK(lines.find("<title>train, epoch 3: 4</title>") != std::string::npos);
  const std::vector<Series> steep{
      {"curve", {0, 1, 2, 3, 4, 5, 6}, {-9, 1, 2, 3, 4, 5, 6}, 0, false}};
  CHECK(line_chart("steep", "x", steep).find(">-8</text>") == std::string::npos);
  CHECK(line_chart("steep", "x", steep, true).find(">-8</text>") != std::string::npos);
  const std::vector<Series> high{{"loss", {1, 2, 3, 4, 5, 6}, {310, 90, 80, 70, 60, 50}, 0, false}};
  CHECK(line_chart("loss", "epoch", high).find("↑ 310") != std::string::npos);
  std::vector<Series> six;
  for (int64_t k = 0; k < 6; ++k)
    six.push_back({"run" + std::to_string(k), {1, 2}, {3, 4}, k, false});
  CHECK(occurrences(line_chart("six", "epoch", six), "class=\"chip s[0-5]\"") == 6);
  CHECK(occurrences(line_chart("nothing", "epoch", {}), "<svg") == 1);
  CHECK(bar_chart("kl", {"z0", "z1"}, {0.5, 0}, "nats").find("<title>z0: 0.5</title>") !=
        std::string::npos);
  const auto constant = histogram("x", {"data"}, {torch::full({10}, 3.0)});
  CHECK(constant.find(": 100 %") != std::string::npos);
  HistogramLook look;
  look.whole = true;
  look.tick = [](double v) { return "<" + short_number(v) + ">"; };
  const auto whole = histogram("n", {"data"}, {torch::tensor({1.0, 2.0, 3.0, 100.0})}, look);
  CHECK(occurrences(whole, "<rect") == 2);  // three numbers a bin
  CHECK(whole.find("&lt;") != std::string::npos);
}

TEST_CASE("bytes as base64 are those of RFC 4648") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64(std::string("\xff\xfe\x00", 3)) == "//4A");
}

TEST_CASE("the principal map keeps the largest variance, axis by axis") {
  const auto plane = torch::randn({200, 2}, torch::kFloat64) * torch::tensor({3.0, 1.0});
  const auto turn = std::get<0>(torch::linalg_qr(torch::randn({5, 5}, torch::kFloat64)));
  const auto found = principal_map(plane.mm(turn.narrow(0, 0, 2)));
  const auto centered = plane - plane.mean(0);
  const auto svd = std::get<1>(torch::svd(centered));
  CHECK_CLOSE(found.norm(2, 0), svd, kGoldenMetric);
  CHECK(principal_map(torch::randn({5, 1})).sizes() == torch::IntArrayRef({5, 2}));
}

/// 1 where the k nearest in the map are near in truth, too (Venna & Kaski 2001).
double trustworthiness(const Tensor& x, const Tensor& map, int64_t k) {
  const auto n = static_cast<double>(x.size(0));
  const auto ordered = [](const Tensor& rows) -> Tensor {
    auto distances = torch::cdist(rows, rows);
    distances.fill_diagonal_(-1);
    return distances.argsort(1, false);
  };
  const Tensor rank = ordered(x).argsort(1, false);  // a row itself has 0
  const Tensor near = ordered(map).narrow(1, 1, k);
  const Tensor beyond = (rank.gather(1, near) - k).clamp_min(0).to(torch::kFloat64).sum();
  const auto kk = static_cast<double>(k);
  return 1 - 2 / (n * kk * (2 * n - 3 * kk - 1)) * beyond.item<double>();
}

TEST_CASE("maps of neighbours keep groups apart and are the same each time") {
  const auto group = torch::arange(3).repeat_interleave(40);
  const auto x = torch::randn({120, 8}) + 10 * torch::eye(8).index_select(0, group);
  for (const bool fuzzy : {false, true}) {
    const auto draw = [&] { return fuzzy ? fuzzy_map(x) : neighbour_map(x); };
    const auto map = draw();
    CHECK(torch::equal(map, draw()));
    // Every row's nearest other row is of its group.
    auto distances = torch::cdist(map, map);
    distances.fill_diagonal_(1e9);
    const auto nearest = group.index_select(0, distances.argmin(1));
    CHECK(torch::equal(nearest, group));
  }
}

TEST_CASE("maps of neighbours unroll what the principal plane folds") {
  const auto turn = 1.5 * M_PI * (1 + 2 * torch::rand({400})), across = 20 * torch::rand({400});
  const auto roll = torch::stack({turn * turn.cos(), across, turn * turn.sin()}, 1);
  const double plane = trustworthiness(roll, principal_map(roll), 10);
  CHECK(trustworthiness(roll, neighbour_map(roll), 10) > plane + 0.05);
  CHECK(trustworthiness(roll, fuzzy_map(roll), 10) > plane + 0.05);
  CHECK(trustworthiness(roll, fuzzy_map(roll), 10) > 0.97);
  CHECK(trustworthiness(roll, roll, 10) == doctest::Approx(1));
}

}  // namespace
}  // namespace elbo

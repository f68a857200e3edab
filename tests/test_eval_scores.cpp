#include <cmath>

#include "elbo/core/random.h"
#include "elbo/eval/range_surface.h"
#include "elbo/eval/ranking.h"
#include "elbo/eval/tail.h"
#include "elbo/eval/threshold.h"
#include "elbo/io/file.h"
#include "files.h"
#include "near.h"
#include "tolerance.h"

namespace elbo {
namespace {

Json golden() {
  return Json::parse(read_file(std::string(ELBO_SOURCE_DIR) + "/tests/golden/scores.json"));
}

Tensor list_tensor(const Json& list) {
  return torch::tensor(list.get<std::vector<double>>(), torch::kFloat64);
}

TEST_CASE("ranking metrics equal those of scikit-learn, ties and one-sided thresholds included") {
  const auto known = golden();
  for (const auto& one : known["rankings"]) {
    const auto scores = list_tensor(one["scores"]), labels = list_tensor(one["labels"]);
    const double threshold = one["threshold"];
    const auto verdicts = judge_scores(scores, labels, threshold);
    for (const char* name :
         {"auroc", "average_precision", "precision", "recall", "f1", "f1_ranges"}) {
      CAPTURE(name);
      CHECK_CLOSE(verdicts[0][name].get<double>(), one[name].get<double>(), kDoubleSums);
    }
    // No scoring at all: the share of anomalies decides.
    const double rate = labels.mean().item<double>();
    CHECK_CLOSE(verdicts[2]["auroc"].get<double>(), 0.5, kDoubleSums);
    CHECK_CLOSE(verdicts[2]["average_precision"].get<double>(), rate, kDoubleSums);
    CHECK_CLOSE(verdicts[2]["f1"].get<double>(), 2 * rate / (1 + rate), kDoubleSums);
  }
}

TEST_CASE("volumes under range surfaces equal those of TSB-AD") {
  const auto path = std::string(ELBO_SOURCE_DIR) + "/tests/golden/ranges.json";
  const auto known = Json::parse(read_file(path));
  for (const auto& one : known["surfaces"]) {
    CAPTURE(one["window"].get<int64_t>());
    const auto found =
        range_surface(list_tensor(one["scores"]), list_tensor(one["labels"]), one["window"]);
    CHECK_CLOSE(found.pr, one["vus_pr"].get<double>(), kDoubleSums);
    CHECK_CLOSE(found.roc, one["vus_roc"].get<double>(), kDoubleSums);
  }
}

TEST_CASE("a random score is judged like the share of anomalies") {
  RandomScope scope(1);
  const auto labels = (torch::rand({4000}) < 0.2).to(torch::kInt64);
  const auto scores = torch::randn({4000}) + 3 * labels;
  const auto verdicts = judge_scores(scores, labels, 1.5);
  CHECK(verdicts[0]["auroc"].get<double>() > 0.95);
  CHECK_CLOSE(verdicts[1]["auroc"].get<double>(), 0.5, kRandomScore);
  CHECK_CLOSE(verdicts[1]["average_precision"].get<double>(), 0.2, kRandomScore);
}

TEST_CASE("without anomalies there is no order to judge") {
  CHECK(std::isnan(auroc(torch::randn({5}), torch::zeros({5}))));
  CHECK(std::isnan(average_precision(torch::randn({5}), torch::zeros({5}))));
  CHECK(std::isnan(range_surface(torch::randn({5}), torch::zeros({5}), 4).pr));
  CHECK(error_of([] { auroc(torch::full({3}, NAN), torch::ones({3})); }) ==
        "[score] a score is not a number");
}

TEST_CASE("a tail's likelihood and levels are SciPy's") {
  const auto known = golden();
  for (const auto& one : known["tails"]) {
    const auto x = one["excesses"].get<std::vector<double>>();
    const Pareto given{one["scale"], one["shape"]};
    CHECK_CLOSE(given.log_likelihood(x), one["log_likelihood"].get<double>(), kDoubleSums);
    CHECK_CLOSE(given.exceeded_with(1e-3), one["exceeded_with_1e-3"].get<double>(), kDoubleSums);
  }
}

TEST_CASE("many excesses say what the next one is above, few promise no less") {
  RandomScope scope(6);
  const auto drawn = [](int64_t n) {
    const auto x = -torch::rand({n}, torch::kFloat64).log();  // exponential: a tail of shape 0
    return std::vector<double>(x.data_ptr<double>(), x.data_ptr<double>() + n);
  };
  CHECK_CLOSE(next_excess(drawn(20000), 0.01) / -std::log(0.01), 1.0, kTailFit);
  CHECK_CLOSE(next_excess(drawn(20000), 0.5) / -std::log(0.5), 1.0, kTailFit);
  // Over many samples of 20 excesses one in a hundred may lie above, no more.
  const auto above = [&](int64_t excesses) {
    double sum = 0;
    constexpr int64_t kTrials = 200;
    for (int64_t i = 0; i < kTrials; ++i) sum += std::exp(-next_excess(drawn(excesses), 0.01));
    return sum / kTrials;
  };
  CHECK(above(20) < 0.01);
  CHECK(above(100) < 0.01);
  CHECK(above(100) > 0.001);
}

TEST_CASE("conformal p-values and percentiles are those of their definitions") {
  const auto one = golden()["p_values"];
  const auto reference = list_tensor(one["reference"]);
  CHECK_CLOSE(conformal_p_values(list_tensor(one["scores"]), reference), list_tensor(one["p"]),
              kDoubleSums);
  ThresholdOptions options;
  options.threshold = "percentile";
  options.percentile = 90;
  CHECK_CLOSE(choose_threshold(reference, options).value, one["percentile_90"].get<double>(),
              kDoubleSums);
}

TEST_CASE("every way to a threshold keeps the false-alarm rate that was asked for") {
  RandomScope scope(2);
  const auto fresh = torch::randn({200000}, torch::kFloat64).exp();  // a heavy tail
  for (const char* method : {"conformal", "evt", "rate", "percentile"}) {
    CAPTURE(method);
    ThresholdOptions options;
    options.threshold = method;
    options.false_alarms = 0.02;
    options.percentile = 98;
    double rate = 0;
    constexpr int64_t kTrials = 200;
    for (int64_t i = 0; i < kTrials; ++i) {
      const auto reference = torch::randn({300}, torch::kFloat64).exp();
      const double threshold = choose_threshold(reference, options).value;
      rate += (fresh > threshold).to(torch::kFloat64).mean().item<double>() / kTrials;
    }
    CHECK_CLOSE(rate, 0.02, kFalseAlarmRate);
    // The promise of conformal prediction is one-sided.
    if (std::string(method) == "conformal") CHECK(rate < 0.02 + kFalseAlarmRate / 4);
  }
}

TEST_CASE("a conformal alarm is a row whose p-value is at most the rate") {
  RandomScope scope(3);
  const auto reference = torch::randn({99}, torch::kFloat64);
  const auto scores = torch::randn({1000}, torch::kFloat64) * 2;
  ThresholdOptions options;
  options.threshold = "conformal";
  for (double rate : {0.01, 0.05, 0.5}) {
    options.false_alarms = rate;
    const auto alarms = scores > choose_threshold(reference, options).value;
    CHECK(torch::equal(alarms, conformal_p_values(scores, reference) <= rate + kDoubleSums));
  }
}

TEST_CASE("too few reference rows are said, and auto then looks at the tail") {
  const auto reference = torch::arange(40, torch::kFloat64).square();
  ThresholdOptions options;
  options.threshold = "conformal";
  CHECK(error_of([&] {
          choose_threshold(reference, options);
        }).find("needs 99 reference rows, found 40") != std::string::npos);
  options.threshold = "auto";
  CHECK(choose_threshold(reference, options).method == "evt");
  CHECK(choose_threshold(reference.narrow(0, 0, 19), options).method == "rate");
  options.false_alarms = 0.1;
  CHECK(choose_threshold(reference, options).method == "conformal");
  options.margin = 2;
  options.threshold = "percentile";
  options.percentile = 100;
  CHECK(choose_threshold(torch::arange(5), options).value == 2 + 2 * (4 - 2));
  options.threshold = "3.5";
  CHECK(choose_threshold(Tensor(), options).value == 3.5);
  options.threshold = "evt";
  options.false_alarms = 0.3;  // not in the tail: no fit is needed
  CHECK(choose_threshold(torch::ones({50}), options).value == 1);
  options.false_alarms = 0.01;
  CHECK(error_of([&] { choose_threshold(torch::ones({50}), options); }).find("all alike") !=
        std::string::npos);
  options.threshold = "evy";
  CHECK(error_of([&] { choose_threshold(reference, options); }).find("known: auto, conformal") !=
        std::string::npos);
}

}  // namespace
}  // namespace elbo

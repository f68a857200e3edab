#include "elbo/eval/ranking.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "elbo/core/random.h"

namespace elbo {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::vector<double> numbers_of(const Tensor& t) {
  const auto flat = t.detach().to(torch::kCPU, torch::kFloat64).flatten().contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

/// Rows that share one score, from the highest score down.
struct Tie {
  int64_t anomalies = 0, normal = 0;
};

std::vector<Tie> ties_of(const Tensor& scores, const Tensor& labels) {
  const auto s = numbers_of(scores), y = numbers_of(labels);
  check(s.size() == y.size(), "[score] labels: found ", y.size(), " for ", s.size(), " scores");
  for (double value : s) check(value == value, "[score] a score is not a number");
  std::vector<size_t> order(s.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return s[a] > s[b]; });
  std::vector<Tie> ties;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || s[order[i]] != s[order[i - 1]]) ties.emplace_back();
    ++(y[order[i]] > 0 ? ties.back().anomalies : ties.back().normal);
  }
  return ties;
}

Detection detection(int64_t hits, int64_t false_alarms, double recall) {
  const auto alarms = static_cast<double>(hits + false_alarms);
  return {alarms > 0 ? static_cast<double>(hits) / alarms : 0, recall};
}

struct AlarmCounts {
  int64_t hits = 0, false_alarms = 0, misses = 0, ranges = 0, ranges_found = 0;
};

AlarmCounts count(const Tensor& alarms, const Tensor& labels) {
  const auto a = numbers_of(alarms), y = numbers_of(labels);
  check(a.size() == y.size(), "[score] labels: found ", y.size(), " for ", a.size(), " alarms");
  AlarmCounts c;
  bool inside = false, found = false;
  for (size_t i = 0; i < a.size(); ++i) {
    const bool alarm = a[i] > 0, anomaly = y[i] > 0;
    if (anomaly && !inside) {
      ++c.ranges;
      found = false;
    }
    inside = anomaly;
    if (anomaly && alarm && !found) {
      ++c.ranges_found;
      found = true;
    }
    c.hits += alarm && anomaly;
    c.false_alarms += alarm && !anomaly;
    c.misses += !alarm && anomaly;
  }
  return c;
}

double share(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

Json verdict(const char* name, const Tensor& scores, const Tensor& labels, const Tensor& alarms) {
  const auto points = detect_points(alarms, labels);
  return {{"name", name},
          {"auroc", auroc(scores, labels)},
          {"average_precision", average_precision(scores, labels)},
          {"precision", points.precision},
          {"recall", points.recall},
          {"f1", points.f1()},
          {"f1_ranges", detect_ranges(alarms, labels).f1()}};
}

/// The mean over some shuffles, so that the comparison is no matter of luck.
Json random_verdict(const Tensor& scores, const Tensor& labels, double threshold) {
  constexpr int64_t kShuffles = 10;
  const uint64_t key = Draw{0, 0}.key("random score");
  Json mean;
  for (int64_t i = 0; i < kShuffles; ++i) {
    const auto order = torch::tensor(permutation(scores.numel(), key + static_cast<uint64_t>(i)));
    const auto shuffled = scores.index_select(0, order);
    const auto one = verdict("a random score", shuffled, labels, shuffled > threshold);
    if (mean.is_null()) mean = one;
    for (const auto& [key_name, value] : one.items()) {
      if (!value.is_number()) continue;
      const double before = i == 0 ? 0.0 : mean[key_name].get<double>();
      mean[key_name] = before + value.get<double>() / kShuffles;
    }
  }
  return mean;
}

}  // namespace

double auroc(const Tensor& scores, const Tensor& labels) {
  double ordered = 0, anomalies = 0, normal = 0;
  for (const auto& tie : ties_of(scores, labels)) {
    ordered +=
        static_cast<double>(tie.normal) * (anomalies + 0.5 * static_cast<double>(tie.anomalies));
    anomalies += static_cast<double>(tie.anomalies);
    normal += static_cast<double>(tie.normal);
  }
  const double pairs = anomalies * normal;
  return pairs > 0 ? ordered / pairs : kNone;
}

double average_precision(const Tensor& scores, const Tensor& labels) {
  double anomalies = 0, rows = 0, sum = 0;
  for (const auto& tie : ties_of(scores, labels)) {
    anomalies += static_cast<double>(tie.anomalies);
    rows += static_cast<double>(tie.anomalies + tie.normal);
    sum += static_cast<double>(tie.anomalies) * anomalies / rows;
  }
  return anomalies > 0 ? sum / anomalies : kNone;
}

Detection detect_points(const Tensor& alarms, const Tensor& labels) {
  const auto c = count(alarms, labels);
  return detection(c.hits, c.false_alarms, share(c.hits, c.hits + c.misses));
}

Detection detect_ranges(const Tensor& alarms, const Tensor& labels) {
  const auto c = count(alarms, labels);
  return detection(c.hits, c.false_alarms, share(c.ranges_found, c.ranges));
}

Json judge_scores(const Tensor& scores, const Tensor& labels, double threshold) {
  return Json::array({verdict("this score", scores, labels, scores > threshold),
                      random_verdict(scores, labels, threshold),
                      verdict("always yes", torch::ones_like(scores), labels,
                              torch::ones_like(scores, torch::kBool))});
}

}  // namespace elbo

#include "elbo/eval/threshold.h"

#include <algorithm>
#include <cmath>

#include "elbo/eval/tail.h"

namespace elbo {
namespace {

constexpr double kTail = 0.1;  // the share of reference rows that evt looks at
constexpr int64_t kFewestExcesses = 10;

std::vector<double> sorted(const Tensor& scores) {
  const auto flat = scores.detach().to(torch::kCPU, torch::kFloat64).flatten().contiguous();
  std::vector<double> list(flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel());
  std::sort(list.begin(), list.end());
  return list;
}

int64_t conformal_rank(int64_t rows, double rate) {
  // Rounded up; the margin is for products that are whole numbers but for rounding.
  return static_cast<int64_t>(std::ceil(static_cast<double>(rows + 1) * (1 - rate) - 1e-9));
}

/// What so many reference rows allow.
const char* automatic(int64_t rows, double rate) {
  if (conformal_rank(rows, rate) <= rows) return "conformal";
  return rows >= 2 * kFewestExcesses ? "evt" : "rate";
}

double conformal(const std::vector<double>& s, double rate) {
  const auto n = static_cast<int64_t>(s.size());
  const int64_t k = conformal_rank(n, rate);
  check(k <= n, "[threshold] conformal: a false-alarm rate of ", rate, " needs ",
        static_cast<int64_t>(std::ceil(1 / rate)) - 1, " reference rows, found ", n,
        "; ask for a higher rate, or for evt");
  return s[static_cast<size_t>(std::max<int64_t>(k, 1) - 1)];
}

/// At most rate * n reference scores lie above it.
double by_rate(const std::vector<double>& s, double rate) {
  const auto n = static_cast<int64_t>(s.size());
  const auto above = static_cast<int64_t>(std::floor(rate * static_cast<double>(n) + 1e-9));
  return s[static_cast<size_t>(n - 1 - std::min(above, n - 1))];
}

double percentile_of(const std::vector<double>& s, double percent) {
  const double at = percent / 100 * static_cast<double>(s.size() - 1);
  const auto low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, s.size() - 1);
  return s[low] + (at - static_cast<double>(low)) * (s[high] - s[low]);
}

double peaks_over_threshold(const std::vector<double>& s, double rate) {
  const auto n = static_cast<int64_t>(s.size());
  const auto k = std::max(kFewestExcesses, static_cast<int64_t>(kTail * static_cast<double>(n)));
  check(n >= 2 * kFewestExcesses, "[threshold] evt: needs ", 2 * kFewestExcesses,
        " reference rows, found ", n);
  const double tail = static_cast<double>(k) / static_cast<double>(n);
  if (rate >= tail) return percentile_of(s, 100 * (1 - rate));
  const double level = s[static_cast<size_t>(n - k - 1)];
  std::vector<double> excesses;
  for (auto i = n - k; i < n; ++i) {
    const double excess = s[static_cast<size_t>(i)] - level;
    if (excess > 0) excesses.push_back(excess);
  }
  const bool differ = !excesses.empty() && excesses.back() > excesses.front();
  check(differ && std::isfinite(excesses.back()),
        "[threshold] evt: the highest reference scores are all alike or not finite");
  const double share = static_cast<double>(excesses.size()) / static_cast<double>(n);
  return rate < share ? level + next_excess(excesses, rate / share) : level;
}

}  // namespace

Threshold choose_threshold(const Tensor& reference, const ThresholdOptions& o) {
  char* end = nullptr;
  const double number = std::strtod(o.threshold.c_str(), &end);
  if (!o.threshold.empty() && *end == '\0') return {"given", number};
  const auto s = sorted(reference);
  check(!s.empty(), "[threshold] there are no reference rows");
  const auto n = static_cast<int64_t>(s.size());
  auto method = o.threshold;
  if (method == "auto") method = automatic(n, o.false_alarms);
  const auto at = [&](double value) {
    const double median = percentile_of(s, 50);
    const bool promises = method != "percentile" && o.margin >= 1;
    return Threshold{method, o.margin == 1 ? value : median + o.margin * (value - median),
                     promises ? o.false_alarms : 1};
  };
  if (method == "conformal") return at(conformal(s, o.false_alarms));
  if (method == "evt") return at(peaks_over_threshold(s, o.false_alarms));
  if (method == "rate") return at(by_rate(s, o.false_alarms));
  if (method == "percentile") return at(percentile_of(s, o.percentile));
  fail("[threshold] unknown \"", o.threshold,
       "\"; known: auto, conformal, evt, percentile, rate, or a number");
}

Tensor conformal_p_values(const Tensor& scores, const Tensor& reference) {
  const auto s = sorted(reference);
  const auto rows = scores.detach().to(torch::kCPU, torch::kFloat64).flatten().contiguous();
  auto p = torch::empty_like(rows);
  for (int64_t i = 0; i < rows.numel(); ++i) {
    const auto first = std::lower_bound(s.begin(), s.end(), rows.data_ptr<double>()[i]);
    p.data_ptr<double>()[i] =
        static_cast<double>(1 + (s.end() - first)) / static_cast<double>(1 + s.size());
  }
  return p;
}

}  // namespace elbo

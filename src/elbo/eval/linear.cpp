#include "elbo/eval/linear.h"

#include <array>
#include <cmath>
#include <deque>
#include <limits>

#include "elbo/eval/sample_distance.h"

namespace elbo {
namespace {

/// A convex, smooth function: value and gradient at a point.
using Smooth = std::function<std::pair<double, Tensor>(const Tensor&)>;

/// L-BFGS with a backtracking search (Nocedal & Wright, algorithm 7.4).
Tensor minimise(const Smooth& f, Tensor at, double tolerance) {
  constexpr size_t kMemory = 10;
  constexpr int64_t kMostSteps = 2000;
  std::deque<std::pair<Tensor, Tensor>> pairs;  // (step, change of gradient)
  auto [value, gradient] = f(at);
  for (int64_t step = 0; step < kMostSteps; ++step) {
    if (gradient.abs().max().item<double>() <= tolerance) break;
    auto direction = -gradient;
    std::vector<double> alpha(pairs.size());
    for (size_t i = pairs.size(); i-- > 0;) {
      const auto& [s, y] = pairs[i];
      alpha[i] = (s.dot(direction) / y.dot(s)).item<double>();
      direction -= alpha[i] * y;
    }
    if (!pairs.empty()) {
      const auto& [s, y] = pairs.back();
      direction *= (s.dot(y) / y.dot(y)).item<double>();
    } else {
      direction /= std::max(1.0, gradient.norm().item<double>());
    }
    for (size_t i = 0; i < pairs.size(); ++i) {
      const auto& [s, y] = pairs[i];
      direction += s * (alpha[i] - (y.dot(direction) / y.dot(s)).item<double>());
    }
    const double slope = gradient.dot(direction).item<double>();
    double length = 1;
    auto next = f(at + direction);
    for (; next.first > value + 1e-4 * length * slope && length > 1e-12;
         next = f(at + length * direction)) {
      length /= 2;
    }
    if (length <= 1e-12) break;  // rounding: no lower value can be told apart
    const auto s = length * direction, y = next.second - gradient;
    at = at + s;
    std::tie(value, gradient) = next;
    if (s.dot(y).item<double>() > 1e-12 * y.dot(y).item<double>()) pairs.emplace_back(s, y);
    if (pairs.size() > kMemory) pairs.pop_front();
  }
  return at;
}

/// (w, b) of one class against the rest by Newton's method with halving: the loss is piecewise
/// quadratic in two variables.
struct Line {
  double w = 0, b = 0;
};
Line fit_line(const double* x, const std::vector<double>& sign, const std::vector<double>& cost) {
  const auto value_at = [&](const Line& at) {
    double value = (at.w * at.w + at.b * at.b) / 2;
    for (size_t i = 0; i < sign.size(); ++i) {
      const double miss = std::max(0.0, 1 - sign[i] * (at.w * x[i] + at.b));
      value += cost[i] * miss * miss;
    }
    return value;
  };
  Line at;
  for (int64_t step = 0; step < 100; ++step) {
    double gw = at.w, gb = at.b, ww = 1, wb = 0, bb = 1;
    for (size_t i = 0; i < sign.size(); ++i) {
      const double miss = 1 - sign[i] * (at.w * x[i] + at.b), c = 2 * cost[i];
      if (miss <= 0) continue;
      gw -= c * sign[i] * miss * x[i];
      gb -= c * sign[i] * miss;
      ww += c * x[i] * x[i];
      wb += c * x[i];
      bb += c;
    }
    if (std::max(std::abs(gw), std::abs(gb)) < 1e-11 * static_cast<double>(sign.size())) break;
    const double determinant = ww * bb - wb * wb;
    const double dw = (bb * gw - wb * gb) / determinant, db = (ww * gb - wb * gw) / determinant;
    const double before = value_at(at);
    double length = 1;
    Line next{at.w - dw, at.b - db};
    for (; value_at(next) > before && length > 1e-10;
         next = {at.w - length * dw, at.b - length * db})
      length /= 2;
    at = next;
  }
  return at;
}

}  // namespace

Tensor LogisticRegression::probabilities(const Tensor& x) const {
  return (x.to(torch::kFloat64).mm(weight) + bias).softmax(1);
}

Tensor LogisticRegression::predict(const Tensor& x) const { return probabilities(x).argmax(1); }

LogisticRegression fit_logistic(const Tensor& x_, const Tensor& y, int64_t classes) {
  const auto x = x_.to(torch::kFloat64);
  const int64_t d = x.size(1);
  const auto truth = torch::one_hot(y, classes).to(torch::kFloat64);
  const auto loss = [&](const Tensor& p) -> std::pair<double, Tensor> {
    const auto weight = p.narrow(0, 0, d * classes).view({d, classes});
    const auto bias = p.narrow(0, d * classes, classes);
    const auto log_p = (x.mm(weight) + bias).log_softmax(1);
    const auto value = -(log_p * truth).sum() + weight.square().sum() / 2;
    const auto error = log_p.exp() - truth;
    const auto gradient = torch::cat({(x.t().mm(error) + weight).flatten(), error.sum(0)});
    return {value.item<double>(), gradient};
  };
  const auto start = torch::zeros({(d + 1) * classes}, torch::kFloat64);
  const auto p = minimise(loss, start, 1e-7 * static_cast<double>(x.size(0)));
  return {p.narrow(0, 0, d * classes).view({d, classes}).clone(),
          p.narrow(0, d * classes, classes).clone()};
}

Tensor nearest_classes(const Tensor& train_x, const Tensor& train_y, const Tensor& x, int64_t k,
                       int64_t classes) {
  const auto known = train_x.to(torch::kFloat64), asked = x.to(torch::kFloat64);
  k = std::min(k, known.size(0));
  std::vector<Tensor> found;
  constexpr int64_t kBlock = 512;
  for (int64_t from = 0; from < asked.size(0); from += kBlock) {
    const auto block = asked.narrow(0, from, std::min(kBlock, asked.size(0) - from));
    const auto nearest = std::get<1>(squared_distances(block, known).topk(k, 1, false));
    const auto votes = torch::one_hot(train_y.index_select(0, nearest.flatten()), classes)
                           .view({block.size(0), k, classes})
                           .sum(1);
    found.push_back(votes.argmax(1));
  }
  return torch::cat(found);
}

Tensor svm_classes(const Tensor& train_x, const Tensor& train_y, const Tensor& x, int64_t classes) {
  constexpr double kC = 0.01;
  const auto known = train_x.to(torch::kFloat64).contiguous();
  const auto labels = train_y.contiguous();
  const auto counts = torch::bincount(labels, {}, classes).to(torch::kFloat64);
  const double present = (counts > 0).sum().item<double>();
  const int64_t n = known.size(0);
  const auto* y = labels.data_ptr<int64_t>();
  std::vector<double> balance(static_cast<size_t>(classes), 0);
  for (int64_t k = 0; k < classes; ++k) {
    const double count = counts[k].item<double>();
    if (count > 0) balance[static_cast<size_t>(k)] = static_cast<double>(n) / (present * count);
  }
  std::vector<Tensor> margins;
  const auto asked = x.to(torch::kFloat64);
  for (int64_t k = 0; k < classes; ++k) {
    if (balance[static_cast<size_t>(k)] == 0) {  // a class that was never seen is never said
      margins.push_back(torch::full_like(asked, -std::numeric_limits<double>::infinity()));
      continue;
    }
    std::vector<double> sign, cost;
    for (int64_t i = 0; i < n; ++i) {
      sign.push_back(y[i] == k ? 1 : -1);
      // Of two classes both have their weights; of more, the rest weighs one (LIBLINEAR).
      const bool weighted = y[i] == k || present == 2;
      cost.push_back(weighted ? kC * balance[static_cast<size_t>(y[i])] : kC);
    }
    const auto line = fit_line(known.data_ptr<double>(), sign, cost);
    margins.push_back(asked * line.w + line.b);
  }
  return torch::stack(margins).argmax(0);
}

double accuracy(const Tensor& predicted, const Tensor& y) {
  return (predicted == y).to(torch::kFloat64).mean().item<double>();
}

}  // namespace elbo

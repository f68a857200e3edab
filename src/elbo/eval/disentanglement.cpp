#include "elbo/eval/disentanglement.h"

#include <cmath>

#include "elbo/core/error.h"
#include "elbo/eval/boosting.h"
#include "elbo/eval/linear.h"
#include "elbo/eval/ranking.h"

namespace elbo {
namespace {

constexpr int64_t kBins = 20;

/// [n] bins 0 … 19 between the smallest and the largest value; the largest is in the last bin.
Tensor in_bins(const Tensor& x) {
  const auto values = x.to(torch::kFloat64);
  const double low = values.min().item<double>(), high = values.max().item<double>();
  const auto edges = torch::linspace(low, high, kBins + 1, torch::kFloat64).narrow(0, 0, kBins);
  return (torch::searchsorted(edges, values.contiguous(), false, true) - 1).clamp_min(0);
}

int64_t classes_in(const Tensor& y) { return y.max().item<int64_t>() + 1; }

/// Of classes that both sides have: {a, b} -> counts [A, B].
Tensor joint_counts(const Tensor& a, const Tensor& b) {
  const int64_t wide = classes_in(b), all = classes_in(a) * wide;
  return torch::bincount(a * wide + b, {}, all).view({-1, wide}).to(torch::kFloat64);
}

double entropy(const Tensor& counts) {
  const auto p = counts.to(torch::kFloat64) / counts.sum();
  return -torch::xlogy(p, p).sum().item<double>();
}

double information(const Tensor& a, const Tensor& b) {
  const auto counts = joint_counts(a, b);
  return entropy(counts.sum(1)) + entropy(counts.sum(0)) - entropy(counts);
}

void check_factors(const Tensor& codes, const Tensor& factors) {
  check(codes.dim() == 2 && factors.dim() == 2 && codes.size(0) == factors.size(0),
        "[disentanglement] codes ", to_string(codes.sizes().vec()), " and factors ",
        to_string(factors.sizes().vec()), " are not rows of the same number");
}

/// The lead of the largest over the next of each column.
Tensor leads(const Tensor& scores) {
  if (scores.size(0) < 2) return scores[0];
  const auto top = std::get<0>(scores.topk(2, 0));
  return top[0] - top[1];
}

}  // namespace

Tensor factor_classes(const Tensor& factors, int64_t most) {
  std::vector<Tensor> columns;
  for (int64_t k = 0; k < factors.size(1); ++k) {
    auto column = factors.select(1, k).contiguous();
    auto [values, inverse] = at::_unique(column, true, true);
    if (values.numel() > most) {
      std::tie(values, inverse) = at::_unique(in_bins(column), true, true);
    }
    columns.push_back(inverse);
  }
  return torch::stack(columns, 1);
}

Tensor discrete_information(const Tensor& codes, const Tensor& factors) {
  check_factors(codes, factors);
  auto result = torch::zeros({codes.size(1), factors.size(1)}, torch::kFloat64);
  for (int64_t j = 0; j < codes.size(1); ++j) {
    const auto bins = in_bins(codes.select(1, j));
    for (int64_t k = 0; k < factors.size(1); ++k) {
      result[j][k] = information(bins, factors.select(1, k).contiguous());
    }
  }
  return result;
}

double information_gap(const Tensor& codes, const Tensor& factors) {
  const auto lead = leads(discrete_information(codes, factors));
  double sum = 0, used = 0;
  for (int64_t k = 0; k < factors.size(1); ++k) {
    const double h = entropy(torch::bincount(factors.select(1, k).contiguous()));
    if (h <= 0) continue;
    sum += lead[k].item<double>() / h;
    ++used;
  }
  return used > 0 ? sum / used : 0;
}

double modularity(const Tensor& codes, const Tensor& factors) {
  const auto squared = discrete_information(codes, factors).square();
  const auto largest = squared.amax(1);
  const double others = std::max<double>(1, static_cast<double>(factors.size(1) - 1));
  const auto score = 1 - (squared.sum(1) - largest) / (largest * others);
  // A code that tells nothing of any factor is not modular.
  return torch::where(largest > 0, score, torch::zeros_like(score)).mean().item<double>();
}

double interventional_robustness(const Tensor& codes_, const Tensor& factors) {
  check_factors(codes_, factors);
  auto codes = codes_.to(torch::kFloat64);
  codes = codes.index_select(1, torch::nonzero(codes.std(0, false) > 0).flatten());
  if (codes.size(1) == 0) return 0;
  const auto widest = (codes - codes.mean(0)).abs().amax(0);
  std::vector<Tensor> columns;
  for (int64_t k = 0; k < factors.size(1); ++k) {
    const auto factor = factors.select(1, k).contiguous();
    auto deviation = torch::zeros({codes.size(1)}, torch::kFloat64);
    const auto values = std::get<0>(at::_unique(factor));
    for (int64_t v = 0; v < values.numel(); ++v) {
      const auto rows = codes.index_select(0, torch::nonzero(factor == values[v]).flatten());
      deviation += (rows - rows.mean(0)).abs().quantile(0.99, 0);
    }
    columns.push_back(1 - deviation / static_cast<double>(values.numel()) / widest);
  }
  const auto best = torch::stack(columns, 1).amax(1);
  return ((best * widest).sum() / widest.sum()).item<double>();
}

double explicitness(const FactorSplit& s) {
  check_factors(s.train_codes, s.train_factors);
  double total = 0;
  for (int64_t k = 0; k < s.train_factors.size(1); ++k) {
    const auto y = s.train_factors.select(1, k), truth = s.test_factors.select(1, k);
    const int64_t classes = std::max(classes_in(y), classes_in(truth));
    const auto p = fit_logistic(s.train_codes, y, classes).probabilities(s.test_codes);
    double sum = 0, used = 0;
    for (int64_t c = 0; c < classes; ++c) {
      const double area = auroc(p.select(1, c), (truth == c).to(torch::kInt64));
      if (std::isnan(area)) continue;  // a value that no test row has, or every one
      sum += area;
      ++used;
    }
    total += used > 0 ? sum / used : 0;
  }
  return total / static_cast<double>(s.train_factors.size(1));
}

double attribute_gap(const FactorSplit& s) {
  check_factors(s.train_codes, s.train_factors);
  auto scores = torch::zeros({s.train_codes.size(1), s.train_factors.size(1)}, torch::kFloat64);
  for (int64_t j = 0; j < s.train_codes.size(1); ++j) {
    const auto train = s.train_codes.select(1, j), test = s.test_codes.select(1, j);
    if (train.to(torch::kFloat64).var(0, false).item<double>() <= 1e-12) continue;
    for (int64_t k = 0; k < s.train_factors.size(1); ++k) {
      const auto y = s.train_factors.select(1, k), truth = s.test_factors.select(1, k);
      const int64_t classes = std::max(classes_in(y), classes_in(truth));
      scores[j][k] = accuracy(svm_classes(train, y, test, classes), truth);
    }
  }
  return leads(scores).mean().item<double>();
}

Dci dci_of(const Tensor& importance_) {
  const auto importance = importance_.to(torch::kFloat64);
  // One minus the entropy of each row in units of its largest; rows weighted by their mass.
  const auto score = [](const Tensor& rows) {
    if (rows.size(1) < 2) return 1.0;
    const auto p = (rows + 1e-11) / (rows + 1e-11).sum(1, true);
    const auto h = -torch::xlogy(p, p).sum(1) / std::log(static_cast<double>(rows.size(1)));
    const double mass = rows.sum().item<double>();
    if (mass == 0) return 0.0;
    return ((1 - h) * rows.sum(1) / mass).sum().item<double>();
  };
  return {score(importance), score(importance.t()), 0};
}

Dci dci(const FactorSplit& s) {
  check_factors(s.train_codes, s.train_factors);
  std::vector<Tensor> columns;
  double correct = 0;
  for (int64_t k = 0; k < s.train_factors.size(1); ++k) {
    // Only values that training rows have are classes; another one is never right.
    auto [values, y] = at::_unique(s.train_factors.select(1, k).contiguous(), true, true);
    if (values.numel() < 2) {
      columns.push_back(torch::zeros({s.train_codes.size(1)}, torch::kFloat64));
      correct += accuracy(values[0].expand({s.test_factors.size(0)}), s.test_factors.select(1, k));
      continue;
    }
    const auto trees = boost_trees(s.train_codes, y, s.test_codes, values.numel());
    columns.push_back(trees.importance);
    correct += accuracy(values.index_select(0, trees.predicted), s.test_factors.select(1, k));
  }
  auto result = dci_of(torch::stack(columns, 1));
  result.informativeness = correct / static_cast<double>(s.train_factors.size(1));
  return result;
}

}  // namespace elbo

#include "elbo/coding/class_sums.h"

#include <algorithm>

#include "elbo/exact/math.h"

namespace elbo {
namespace {

constexpr double kLeastLink = 1e-60, kLeastBelief = 1e-150;

/// Over their sum, which is not 0.
void normalise(double* x, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += x[i];
  for (size_t i = 0; i < n; ++i) {
    x[i] /= sum;
    if (x[i] < kLeastBelief) x[i] = 0;
  }
}

/// sums[k] = Σ_i weights[i] rows[i][k], i in order.
void weighted_rows(const double* weights, const double* rows, size_t n, double* sums) {
  std::fill(sums, sums + n, 0.0);
  for (size_t i = 0; i < n; ++i) {
    const double w = weights[i];
    const double* row = rows + i * n;
    for (size_t k = 0; k < n; ++k) sums[k] += w * row[k];
  }
}

}  // namespace

std::vector<double> exact_softmax(const float* logits, size_t n) {
  const float most = *std::max_element(logits, logits + n);
  std::vector<double> p;
  for (size_t i = 0; i < n; ++i) {
    p.push_back(exact::exp(static_cast<double>(logits[i]) - static_cast<double>(most)));
  }
  normalise(p.data(), n);
  for (auto& one : p) one = std::max(one, kLeastLink);
  return p;
}

ClassSums::ClassSums(const ColumnClasses& of)
    : classes_(static_cast<size_t>(of.root.numel())), parent_(of.parent) {
  const size_t d = parent_.size(), each = classes_ * classes_;
  const auto root = of.root.to(torch::kCPU, torch::kFloat32).contiguous();
  const auto links = of.links.to(torch::kCPU, torch::kFloat32).contiguous();
  root_ = exact_softmax(root.data_ptr<float>(), classes_);
  for (size_t row = 0; row < d * classes_; ++row) {
    const auto p = exact_softmax(links.data_ptr<float>() + row * classes_, classes_);
    down_.insert(down_.end(), p.begin(), p.end());
  }
  up_.resize(down_.size());
  for (size_t j = 0; j < d; ++j) {
    for (size_t a = 0; a < classes_; ++a) {
      for (size_t b = 0; b < classes_; ++b) {
        up_[j * each + b * classes_ + a] = down_[j * each + a * classes_ + b];
      }
    }
  }
  above_.resize(d * classes_);
  below_.resize(d * classes_);
  belief_.resize(classes_);
  // Depth first; what is finished when a column's turn comes is closed before.
  std::vector<size_t> path, finished;
  const auto visit = [&](const auto& self, size_t j) -> void {
    closed_before_.push_back(std::move(finished));
    finished.clear();
    order_.push_back(j);
    for (size_t child = 0; child < d; ++child) {
      if (parent_[child] == static_cast<int64_t>(j)) self(self, child);
    }
    finished.push_back(j);
  };
  visit(visit,
        static_cast<size_t>(std::find(parent_.begin(), parent_.end(), -1) - parent_.begin()));
}

void ClassSums::begin() { std::fill(below_.begin(), below_.end(), 1.0); }

/// What is known in a column and below it, as its parent hears it.
void ClassSums::close(size_t column) {
  const size_t each = classes_ * classes_;
  normalise(of(below_, column), classes_);
  weighted_rows(of(below_, column), up_.data() + column * each, classes_, belief_.data());
  double* parent = of(below_, static_cast<size_t>(parent_[column]));
  for (size_t h = 0; h < classes_; ++h) parent[h] *= belief_[h];
  normalise(parent, classes_);
}

const double* ClassSums::expected(size_t i) {
  for (const size_t column : closed_before_[i]) close(column);
  const size_t j = order_[i];
  double* above = of(above_, j);
  if (parent_[j] < 0) {
    std::copy(root_.begin(), root_.end(), above);
    return above;
  }
  const auto p = static_cast<size_t>(parent_[j]);
  for (size_t h = 0; h < classes_; ++h) belief_[h] = of(above_, p)[h] * of(below_, p)[h];
  normalise(belief_.data(), classes_);
  weighted_rows(belief_.data(), down_.data() + j * classes_ * classes_, classes_, above);
  return above;
}

void ClassSums::know(size_t i, const double* cell) {
  double* below = of(below_, order_[i]);
  for (size_t h = 0; h < classes_; ++h) below[h] = cell[h];
}

}  // namespace elbo

#include "elbo/eval/votes.h"

#include <algorithm>
#include <vector>

#include "elbo/core/error.h"
#include "elbo/core/random.h"
#include "elbo/eval/linear.h"

namespace elbo {
namespace {

/// For each factor and value the rows that have it.
class Holders {
 public:
  explicit Holders(const Tensor& factors) : factors_(factors.to(torch::kInt64).contiguous()) {
    for (int64_t k = 0; k < factors_.size(1); ++k) {
      const auto column = factors_.select(1, k).contiguous();
      rows_.emplace_back(static_cast<size_t>(column.max().item<int64_t>() + 1));
      const auto* values = column.data_ptr<int64_t>();
      for (int64_t i = 0; i < column.numel(); ++i) {
        rows_.back()[static_cast<size_t>(values[i])].push_back(i);
      }
    }
  }
  /// The rows that share factor k with a row.
  const std::vector<int64_t>& like(int64_t row, int64_t k) const {
    const int64_t value = factors_.data_ptr<int64_t>()[row * factors_.size(1) + k];
    return rows_[static_cast<size_t>(k)][static_cast<size_t>(value)];
  }

 private:
  Tensor factors_;
  std::vector<std::vector<std::vector<int64_t>>> rows_;
};

/// Whole numbers from a stream that begins where torch's own stands.
class Numbers {
 public:
  Numbers()
      : key_(static_cast<uint64_t>(torch::randint(1LL << 62, {1}, torch::kInt64).item<int64_t>())) {
  }
  int64_t below(int64_t n) {
    return std::min(n - 1, static_cast<int64_t>(uniform_at(key_, at_++) * static_cast<double>(n)));
  }

 private:
  uint64_t key_, at_ = 0;
};

/// [v, d] mean absolute difference of the pairs of each group.
Tensor differences(const Tensor& codes, const Groups& groups) {
  const auto values = codes.index_select(0, groups.rows.flatten())
                          .view({groups.rows.size(0), groups.rows.size(1), 2, codes.size(1)});
  return (values.select(2, 0) - values.select(2, 1)).abs().mean(1);
}

}  // namespace

Groups draw_groups(const Tensor& factors, int64_t count, int64_t batch, bool pairs) {
  check(factors.dim() == 2 && factors.size(0) > 0, "[votes] no factors");
  const Holders holders(factors);
  Numbers numbers;
  const int64_t n = factors.size(0), ks = factors.size(1);
  Groups groups;
  groups.factor = torch::randint(ks, {count}, torch::kInt64);
  groups.rows = torch::empty({count, batch, pairs ? 2 : 1}, torch::kInt64);
  auto* out = groups.rows.data_ptr<int64_t>();
  const auto* factor = groups.factor.data_ptr<int64_t>();
  for (int64_t v = 0; v < count; ++v) {
    // Values of a factor are about as common as each other, so that a random row names one.
    int64_t first = numbers.below(n);
    for (int64_t b = 0; b < batch; ++b) {
      if (pairs) *out++ = first = numbers.below(n);
      const auto& alike = holders.like(first, factor[v]);
      *out++ = alike[static_cast<size_t>(numbers.below(static_cast<int64_t>(alike.size())))];
    }
  }
  if (!pairs) groups.rows = groups.rows.squeeze(2);
  return groups;
}

VoteScore factor_vae_score(const Tensor& codes_, const Groups& train, const Groups& test,
                           int64_t factors) {
  constexpr double kLeastDeviation = 0.05;
  const auto codes = codes_.to(torch::kFloat64);
  const auto variance = codes.var(0, /*unbiased=*/true);
  const auto active = torch::nonzero(variance.sqrt() >= kLeastDeviation).flatten();
  VoteScore result;
  result.active_codes = active.numel();
  if (active.numel() == 0) return result;
  const auto used = codes.index_select(1, active);
  const auto scale = variance.index_select(0, active);
  const auto votes = [&](const Groups& groups) {  // [active, factors]
    const auto values = used.index_select(0, groups.rows.flatten())
                            .view({groups.rows.size(0), groups.rows.size(1), used.size(1)});
    const auto code = (values.var(1, true) / scale).argmin(1);
    return torch::bincount(code * factors + groups.factor, {}, used.size(1) * factors)
        .view({-1, factors});
  };
  // Each code stands for the factor it got most votes for.
  const auto meaning = votes(train).argmax(1, true);
  const auto judged = votes(test).to(torch::kFloat64);
  result.score = (judged.gather(1, meaning).sum() / judged.sum()).item<double>();
  return result;
}

double beta_vae_score(const Tensor& codes_, const Groups& train, const Groups& test,
                      int64_t factors) {
  const auto codes = codes_.to(torch::kFloat64);
  const auto model = fit_logistic(differences(codes, train), train.factor, factors);
  return accuracy(model.predict(differences(codes, test)), test.factor);
}

}  // namespace elbo

#include "elbo/eval/spread.h"

#include <cmath>

#include "elbo/core/error.h"
#include "elbo/eval/sample_distance.h"

namespace elbo {
namespace {

constexpr double kCarried = 0.99;  // of a row's belief that comes from its neighbours
constexpr int64_t kSteps = 300;    // 0.99^300 = 5 %, and what is left changes no order
constexpr int64_t kBlockBytes = 64 << 20;

struct Neighbours {
  Tensor distance, who;  // [n, k] squared; rows themselves left out
};

Neighbours nearest_rows(const Tensor& x, const std::vector<Tensor>& views, int64_t k) {
  const int64_t n = x.size(0), block = std::max<int64_t>(1, kBlockBytes / (4 * n));
  std::vector<Tensor> distance, who;
  for (int64_t from = 0; from < n; from += block) {
    const int64_t rows = std::min(block, n - from);
    auto d = squared_distances(x.narrow(0, from, rows), x);
    for (const auto& view : views) {
      torch::minimum_out(d, d, squared_distances(view.narrow(0, from, rows), x));
    }
    d.diagonal(from).fill_(std::numeric_limits<float>::infinity());
    auto [near, index] = d.topk(k, 1, /*largest=*/false);
    distance.push_back(near);
    who.push_back(index);
  }
  return {torch::cat(distance), torch::cat(who)};
}

/// The symmetric graph D^-½ W D^-½ [n, n]. A tie is the stronger, the nearer two rows are by the
/// measure of both their surroundings.
Tensor graph(const Tensor& x, const std::vector<Tensor>& views, int64_t k) {
  const int64_t n = x.size(0);
  const auto [distance, who] = nearest_rows(x, views, k);
  const auto around = distance.mean(1).clamp_min(1e-12);
  const auto other = around.index_select(0, who.flatten()).view({n, k});
  const auto tie = (-distance / (around.unsqueeze(1) * other).sqrt()).exp().flatten();
  const auto row = torch::arange(n).repeat_interleave(k), column = who.flatten();
  const auto places = torch::cat({torch::stack({row, column}), torch::stack({column, row})}, 1);
  // A tie that both rows name counts twice.
  const auto w = torch::sparse_coo_tensor(places, torch::cat({tie, tie}), {n, n}).coalesce();
  const auto where = w.indices();
  const auto degree = torch::zeros({n}).index_add_(0, where[0], w.values()).clamp_min(1e-12);
  const auto scale = degree.rsqrt();
  const auto values =
      w.values() * scale.index_select(0, where[0]) * scale.index_select(0, where[1]);
  return torch::sparse_coo_tensor(where, values, {n, n}).coalesce();
}

}  // namespace

CodeGraph::CodeGraph(const Tensor& x_, int64_t neighbours, const std::vector<Tensor>& views) {
  torch::NoGradGuard no_gradient;
  const auto x = x_.to(torch::kCPU, torch::kFloat32).contiguous();
  const int64_t n = x.size(0);
  check(n <= kMostSpread, "[spread] ", n, " rows, at most ", kMostSpread,
        " are tied to each other");
  check(n > neighbours, "[spread] ", n, " rows, more than ", neighbours, " neighbours are needed");
  ties_ = graph(x, views, neighbours);
}

Tensor CodeGraph::carried(const Tensor& y, int64_t classes) const {
  torch::NoGradGuard no_gradient;
  const int64_t n = y.size(0);
  const auto known = (y >= 0).nonzero().flatten();
  check(known.size(0) > 0, "[spread] none of the rows has a label");
  auto start = torch::zeros({n, classes});
  start.index_put_({known, y.index_select(0, known)}, 1);
  auto belief = start;
  for (int64_t step = 0; step < kSteps; ++step) {
    belief = kCarried * torch::mm(ties_, belief) + (1 - kCarried) * start;
  }
  // Else the classes that happen to have better placed labels would grow over the others.
  belief = belief / belief.sum(0, true).clamp_min(1e-30);
  const auto total = belief.sum(1, true);
  return torch::where(total > 0, belief / total.clamp_min(1e-30),
                      torch::full({}, 1.0 / static_cast<double>(classes)));
}

Tensor spread_labels(const Tensor& x, const Tensor& y, int64_t classes, int64_t neighbours,
                     const std::vector<Tensor>& views) {
  return CodeGraph(x, neighbours, views).carried(y, classes);
}

Tensor surest(const Tensor& guesses, double share) {
  const auto [sure, guess] = guesses.max(1);
  auto kept = torch::full_like(guess, -1);
  for (int64_t k = 0; k < guesses.size(1); ++k) {
    const auto rows = (guess == k).nonzero().flatten();
    const auto count =
        static_cast<int64_t>(std::llround(share * static_cast<double>(rows.size(0))));
    if (count == 0) continue;
    const auto best = std::get<1>(sure.index_select(0, rows).topk(count));
    kept.index_fill_(0, rows.index_select(0, best), k);
  }
  return kept;
}

}  // namespace elbo

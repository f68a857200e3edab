#include "elbo/eval/information.h"

#include <algorithm>
#include <cmath>

namespace elbo {
namespace {

/// z: [m, d] -> [m, n, d] log q(z_j | row) of all n rows.
Tensor log_pairs(const std::vector<Dist>& posteriors, const Tensor& z) {
  std::vector<Tensor> parts;
  for (const auto& q : posteriors) parts.push_back(q->log_prob(z.unsqueeze(1)));
  return torch::cat(parts, 1).to(torch::kFloat64);
}

}  // namespace

CodeInformation code_information(const std::vector<Dist>& posteriors, const Tensor& z_,
                                 const Tensor& log_prior, const Tensor& dimension_log_prior) {
  const torch::NoGradGuard no_gradient;
  const auto z = z_.to(torch::kFloat64);
  check(z.dim() == 2, "[information] draws ", to_string(z.sizes().vec()),
        ": expected rows and columns");
  const int64_t n = z.size(0), d = z.size(1);
  const double log_n = std::log(static_cast<double>(n));
  auto joint = torch::empty({n}, torch::kFloat64), each = torch::empty({n, d}, torch::kFloat64);
  auto own = torch::empty({n, d}, torch::kFloat64);  // log q(z|x)
  // [block, n, d] at a time.
  const int64_t block = std::clamp<int64_t>((int64_t{1} << 23) / (n * d), 1, n);
  for (int64_t from = 0; from < n; from += block) {
    const int64_t count = std::min(block, n - from);
    const auto pairs = log_pairs(posteriors, z.narrow(0, from, count));
    check(pairs.sizes() == torch::IntArrayRef({count, n, d}), "[information] ", n,
          " draws of size ", d, " and posteriors of ", to_string(pairs.sizes().slice(1).vec()),
          " differ");
    own.narrow(0, from, count).copy_(pairs.diagonal(from, 0, 1).t());
    joint.narrow(0, from, count).copy_(pairs.sum(2).logsumexp(1) - log_n);
    each.narrow(0, from, count).copy_(pairs.logsumexp(1) - log_n);
  }
  CodeInformation result;
  result.information = (own.sum(1) - joint).mean().item<double>();
  result.gap = (joint - log_prior.to(torch::kFloat64)).mean().item<double>();
  result.total_correlation = (joint - each.sum(1)).mean().item<double>();
  result.dimension_information = (own - each).mean(0);
  if (dimension_log_prior.defined()) {
    result.dimension_gap = (each - dimension_log_prior.to(torch::kFloat64)).mean(0);
  }
  return result;
}

}  // namespace elbo

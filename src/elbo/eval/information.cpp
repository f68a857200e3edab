#include "elbo/eval/information.h"

#include <cmath>

#include "elbo/core/constants.h"
#include "elbo/core/error.h"

namespace elbo {

CodeInformation code_information(const Tensor& mean_, const Tensor& deviation_, const Tensor& z_,
                                 const Tensor& log_prior, const Tensor& dimension_log_prior) {
  const auto mean = mean_.to(torch::kFloat64), deviation = deviation_.to(torch::kFloat64),
             z = z_.to(torch::kFloat64);
  check(mean.dim() == 2 && mean.sizes() == deviation.sizes() && mean.sizes() == z.sizes(),
        "[information] means ", to_string(mean.sizes().vec()), ", deviations ",
        to_string(deviation.sizes().vec()), " and draws ", to_string(z.sizes().vec()), " differ");
  const int64_t n = mean.size(0), d = mean.size(1);
  const double log_n = std::log(static_cast<double>(n));
  const auto constant = deviation.log() + kHalfLogTwoPi;
  const auto own = (-0.5 * ((z - mean) / deviation).square() - constant);  // [n, d] log q(z|x)
  auto joint = torch::empty({n}, torch::kFloat64), each = torch::empty({n, d}, torch::kFloat64);
  // [block, n, d] at a time.
  const int64_t block = std::clamp<int64_t>((int64_t{1} << 23) / (n * d), 1, n);
  for (int64_t from = 0; from < n; from += block) {
    const int64_t count = std::min(block, n - from);
    const auto here = z.narrow(0, from, count).unsqueeze(1);
    const auto pairs = -0.5 * ((here - mean) / deviation).square() - constant;
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

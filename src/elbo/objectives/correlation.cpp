#include "elbo/objectives/correlation.h"

#include <cmath>

#include "elbo/distributions/continuous.h"

namespace elbo {
namespace {

/// [B, B] log weights of the posteriors in the mixture that stands for q(z).
Tensor log_weights(int64_t batch, int64_t data_rows, bool stratified, const Tensor& like) {
  const double B = static_cast<double>(batch);
  const double N = static_cast<double>(std::max(batch, data_rows));
  if (!stratified || batch == 1) {
    return torch::full({batch, batch}, batch == 1 ? 0 : -std::log(N * B), like.options());
  }
  // The paper gives one other row (N-M)/(N M) and the rest 1/M, M = B-1. Here each other row has
  // the mean over the choice of that one: the same expectation, less variance, and exact where
  // the batch is the whole data set.
  auto weights = torch::full({batch, batch}, std::log((N - 1) / (N * (B - 1))), like.options());
  weights.fill_diagonal_(-std::log(N));
  return weights;
}

}  // namespace

Tensor pairwise_log_prob(const Site& site, const std::string& where) {
  const auto& z = site.value;
  const bool splits = dynamic_cast<const Delta*>(site.posterior.get()) == nullptr &&
                      site.posterior->log_prob(z).sizes() == z.sizes();
  check(splits, "[", where, "] the posterior of site ", site.name,
        " is not a density of independent components; use normal or another of that kind");
  return site.posterior->log_prob(z.unsqueeze(1)).flatten(2);
}

KlParts split_kl(const Tensor& pairwise, const Tensor& log_prior, int64_t data_rows,
                 const std::string& estimator) {
  const auto weights =
      log_weights(pairwise.size(0), data_rows, estimator == "mss", pairwise);  // [B, B]
  const auto joint = pairwise.sum(2);                                          // [B, B]
  const auto log_qz_x = joint.diagonal();
  const auto log_qz = (joint + weights).logsumexp(1);
  const auto log_product = (pairwise + weights.unsqueeze(2)).logsumexp(1).sum(1);
  return {(log_qz_x - log_qz).mean(), (log_qz - log_product).mean(),
          (log_product - log_prior).mean()};
}

}  // namespace elbo

#include "elbo/objectives/drawn.h"

namespace elbo {

DrawnBound drawn_bound(const Inference& inference, const Batch& batch, bool with_score,
                       const std::string& where) {
  const auto& trace = inference.trace;
  DrawnBound drawn{log_likelihood(inference, batch), Tensor()};
  const auto by_particle = [&](const Tensor& rows) { return rows.view(drawn.log_w.sizes()); };
  for (const auto& site : trace.sites) {
    check(site.posterior != nullptr, "[", where, "] ", site.name,
          ": its values are enumerated, not drawn; use elbo");
    auto log_q = by_particle(site.log_posterior());
    if (!site.posterior->reparameterized()) {
      drawn.score = drawn.score.defined() ? drawn.score + log_q : log_q;
      if (!with_score) log_q = log_q.detach();
    }
    drawn.log_w = drawn.log_w + by_particle(site.log_prior()) - log_q;
  }
  check(drawn.score.defined(), "[", where,
        "] posterior: all of its draws carry gradients; use elbo or importance, or a posterior "
        "of bits or one_hot");
  if (trace.extra.defined()) drawn.log_w = drawn.log_w - trace.extra;
  return drawn;
}

Terms estimated(const Tensor& bound, const Tensor& estimate, const Tensor& log_w) {
  Terms terms;
  terms.loss = -(bound + (estimate - estimate.detach())).mean();
  terms.parts.emplace_back("elbo", -log_w.mean().detach());
  return terms;
}

}  // namespace elbo

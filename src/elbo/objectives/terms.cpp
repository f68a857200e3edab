#include "elbo/objectives/terms.h"

#include "elbo/kernels/arithmetic.h"

namespace elbo {

Tensor average(const Trace& trace, const Tensor& term, double factor) {
  // A single particle weighs one: the usual case costs one operation instead of four.
  if (trace.log_weight.size(0) == 1) return kernels::mean(term, factor);
  const auto by_particle = term.view({-1, trace.log_weight.size(1)});
  return kernels::mean((trace.log_weight.exp() * by_particle).sum(0), factor);
}

void must_carry_gradients(const Model& model, const Trace& trace) {
  if (!torch::GradMode::is_enabled() || model.latent->exact()) return;
  for (const auto& site : trace.sites) {
    check(!site.posterior || site.posterior->reparameterized() || site.value.requires_grad(),
          "[objective] ", site.name,
          ": its draws carry no gradient to the encoder; use the objective score_function, disarm "
          "or relax, or a relaxed posterior");
  }
}

Bound bound_of(Model& model, const Batch& seen, const Batch& target, int64_t samples) {
  Bound bound;
  bound.inference = model.infer(seen, samples);
  const auto& trace = bound.inference.trace;
  must_carry_gradients(model, trace);
  bound.reconstruction = average(trace, row_log_likelihood(bound.inference, target), -1);
  // One site of one particle needs no common shape with others.
  const bool alone = trace.sites.size() == 1 && trace.log_weight.size(0) == 1;
  bound.divergence = average(trace, alone ? trace.sites[0].kl() : kl(trace, target.size()));
  if (trace.extra.defined()) bound.extra = average(trace, trace.extra);
  return bound;
}

Bound bound_of(Model& model, const Batch& batch, int64_t samples) {
  return bound_of(model, batch, batch, samples);
}

Bound bound_of(const Step& step, int64_t samples) {
  return bound_of(step.model, step.batch, samples);
}

Terms terms_of(const Bound& bound, const Tensor& loss, const Logged& parts) {
  Terms terms;
  terms.loss = loss;
  if (bound.extra.defined()) {
    terms.loss = terms.loss + bound.extra;
    terms.parts.emplace_back("extra", bound.extra.detach());
  }
  // The bound itself is always told, whatever weights training gives its terms.
  terms.parts.emplace_back("reconstruction", bound.reconstruction.tensor_data());
  terms.parts.emplace_back("kl", bound.divergence.tensor_data());
  for (const auto& [name, value] : parts) terms.parts.emplace_back(name, value.detach());
  return terms;
}

Tensor codes_of(const Trace& trace, const std::string& where, int64_t draws) {
  check(trace.log_weight.size(0) == draws, "[", where, "] a row has ", trace.log_weight.size(0),
        " weighted particles (an enumerated site); expected ", draws,
        draws == 1 ? " draw" : " draws");
  return trace.code.flatten(1);
}

const Site& only_site(const Trace& trace, std::string_view where) {
  check(trace.sites.size() == 1 && trace.log_weight.size(0) == 1 && trace.sites[0].posterior, "[",
        where, "] needs a single latent site that is drawn, this model has ", trace.sites.size(),
        " sites and ", trace.log_weight.size(0), " particles a row");
  return trace.sites.front();
}

std::vector<Tensor> decoder_parameters(const Model& model) {
  auto list = model.decoder->parameters();
  const auto likelihood = model.likelihood->parameters();
  list.insert(list.end(), likelihood.begin(), likelihood.end());
  return list;
}

std::vector<Tensor> generative_parameters(const Model& model) {
  auto list = model.latent->prior_parameters();
  const auto decoder = decoder_parameters(model);
  list.insert(list.end(), decoder.begin(), decoder.end());
  return list;
}

std::vector<Tensor> other_parameters(const Model& model, const std::vector<Tensor>& these) {
  std::vector<Tensor> others;
  for (const auto& p : model.parameters()) {
    const bool known = std::any_of(these.begin(), these.end(),
                                   [&](const Tensor& other) { return other.is_same(p); });
    if (!known) others.push_back(p);
  }
  return others;
}

}  // namespace elbo

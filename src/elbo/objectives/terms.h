#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "elbo/model/objective.h"

// What objectives share.

namespace elbo {

/// The terms of the evidence lower bound on a batch, scalars: means over rows, in nats.
struct Bound {
  Inference inference;
  Tensor reconstruction, divergence;
  Tensor extra;  // undefined where the latent structure adds no loss of its own
};
/// `seen` is what the encoder reads, `target` what the likelihood is asked for.
Bound bound_of(Model& model, const Batch& seen, const Batch& target, int64_t samples);
Bound bound_of(Model& model, const Batch& batch, int64_t samples = 1);
Bound bound_of(const Step& step, int64_t samples = 1);
/// Raises an Error where a draw's gradient would be missing: those of bits and classes, in
/// training.
void must_carry_gradients(const Model& model, const Trace& trace);
/// factor times the mean over rows of a term, [S, B] or [S*B], particles weighted.
Tensor average(const Trace& trace, const Tensor& term, double factor = 1);

using Logged = std::vector<std::pair<std::string, Tensor>>;
/// loss + the bound's extra; the log shows the bound's terms, unweighted, then `parts`.
Terms terms_of(const Bound& bound, const Tensor& loss, const Logged& parts = {});

/// [draws * B, d] the codes of a batch. Raises an Error where rows have more particles, which are
/// then weighted.
Tensor codes_of(const Trace& trace, const std::string& where, int64_t draws = 1);
/// The trace's only site. Raises an Error where there are several, or where it is enumerated.
const Site& only_site(const Trace& trace, std::string_view where);

/// Parameters of decoder and likelihood; with the prior's, all of the generative model.
std::vector<Tensor> decoder_parameters(const Model& model);
std::vector<Tensor> generative_parameters(const Model& model);
/// The model's parameters that are not among `these`.
std::vector<Tensor> other_parameters(const Model& model, const std::vector<Tensor>& these);

}  // namespace elbo

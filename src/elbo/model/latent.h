#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/data/dataset.h"
#include "elbo/model/head.h"

namespace ELBO_API elbo {

/// One latent variable: its value and the two beliefs about it.
struct Site {
  std::string name;
  Tensor value, log_q;    // a draw; its log density per component, or undefined: ask the posterior
  Dist posterior, prior;  // no posterior where the value is enumerated, not drawn

  /// [S*B] closed form where there is one, else log_q - log p(value), each summed to rows first.
  Tensor kl() const;
  /// [S*B] log q(value) and log p(value).
  Tensor log_posterior() const;
  Tensor log_prior() const;
  /// [S*B, d] KL per component, or undefined where it does not split.
  Tensor kl_per_dimension() const;
};

/// Everything drawn for a batch. Particles ride in the batch axis: S*B rows, S outermost.
struct Trace {
  std::vector<Site> sites;
  Tensor code;        // what the decoder reads
  Tensor log_weight;  // [S, B]: -log S for draws, log q(y|x) where y is enumerated
  Tensor extra;       // [S, B] further loss (commitment, classifier); may be undefined
  Tensor x;           // [n, …] data that generate() drew on the way; undefined = none
};
/// p(x | code, c) of the model that a latent stands in.
using Decode = std::function<Dist(const Tensor& code, const Tensor& c)>;
using Values = std::map<std::string, Tensor>;  // by site name

/// The latent variables of a model: their priors, their inference, and the code they make.
class Latent : public torch::nn::Module {
 public:
  /// samples = 0 takes every posterior's mean instead of a draw (one particle).
  virtual Trace infer(const Batch& batch, int64_t samples) = 0;
  /// n rows from the prior; a fixed site takes the given value instead of a draw.
  virtual Trace generate(int64_t n, const Tensor& c = Tensor(), const Values& fixed = {}) = 0;
  virtual Shape code() const = 0;
  /// What belongs to the generative model: trained alone by fit_prior, and by the decoder's side
  /// where encoder and decoder have losses of their own.
  virtual std::vector<Tensor> prior_parameters() const { return {}; }
  virtual std::vector<LayerReport> report() const = 0;
  /// How codes are used: {site: {codes, perplexity, dead}}, over what evaluation mode has seen
  /// since it was switched on or reset, else over the last window of training; null where nothing
  /// counts.
  virtual Json usage() const { return Json(); }
  /// What evaluation mode sees is counted afresh.
  virtual void reset_usage() {}
  /// [B, classes] q(y|x), whether or not the batch knows y; undefined where there are no classes.
  virtual Tensor class_probs(const Batch&) { return Tensor(); }
  /// Steps of a series in the code [steps, …], each of which the decoder reads alone; 0 = the
  /// decoder reads all of the code at once.
  virtual int64_t steps() const { return 0; }
  /// Whether infer() draws from p(z | x) itself, whatever cells the mask hides: then what is drawn
  /// given some columns needs no rejection.
  virtual bool exact() const { return false; }
  /// Called once, by the model: for latents whose draws depend on p(x | code).
  virtual void use(const Decode&) {}
};

/// A posterior's draw (or its mean where samples = 0) as a site; q has S*B rows already.
Site draw_site(std::string name, Dist q, Dist p, bool mean_only);
/// [S, B] of -log S, or zeros for one particle.
Tensor equal_weights(int64_t samples, const Tensor& like);
/// The fixed value of a site, tiled to n rows if it has one, or a draw of the prior, which has n
/// rows already where it is conditional.
Tensor fixed_or_draw(const std::string& name, const Dist& prior, int64_t n, const Values& fixed,
                     bool conditional = false);
/// Raises an Error naming the sites where `fixed` holds a name that is not among them.
void check_fixed(const Values& fixed, const std::vector<std::string>& sites);

/// What a latent structure is built from: the whole spec (its own options under "latent").
struct LatentPlan {
  Schemas data;
  Json spec;

  /// The declaration of a part: the structure's own where it has one, else the spec's.
  const Json& part(const Json& own, const char* name) const {
    return own.is_null() ? spec.at(name) : own;
  }
};
Registry<Latent, const LatentPlan&>& latents();

}  // namespace elbo

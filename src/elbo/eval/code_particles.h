#pragma once

#include "elbo/distributions/full_normal.h"
#include "elbo/model/model.h"

namespace elbo {

/// Codes that rows may come from, given the cells that their mask shows: S for each of B rows.
struct CodeParticles {
  Tensor code;       // [S*B, …], S outermost
  Tensor log_w;      // [S, B] log p(x_seen, code) - log r(code), r being what it was drawn from
  Dist x;            // p(x | code)
  bool free = true;  // whether codes from elsewhere can be weighed: the latent is one plain vector
};

/// A tenth of the codes comes from the prior and the others from the encoder's posterior (or from
/// `guide`, B normals over flattened codes): defensive importance sampling (Hesterberg 1995), a
/// posterior that is too narrow shows in the weights. Latents of several parts are drawn from their
/// posterior alone.
CodeParticles draw_particles(Model& model, const Batch& batch, int64_t count,
                             const FullNormal* guide = nullptr);
/// Codes and weights of some of the rows; no p(x | code).
CodeParticles particles_of(const CodeParticles& all, const Tensor& rows);
/// [count*B, …] codes of equal weight, drawn by the particles' weights: one from each stratum of as
/// much mass (Kitagawa 1996), in random order.
Tensor resampled(const CodeParticles& particles, int64_t count);
/// Normals with the weighted mean and covariance of each row's codes; where few of them count, the
/// weights are flattened until enough do (adaptive importance sampling, Cappé et al. 2008).
FullNormal guide_of(const CodeParticles& particles);
/// [B] the effective number of particles with these weights [S, B].
Tensor effective_draws(const Tensor& log_w);

}  // namespace elbo

#pragma once

#include <memory>

#include "elbo/core/api.h"
#include "elbo/model/density.h"
#include "elbo/model/latent.h"
#include "elbo/model/predictor.h"

namespace ELBO_API elbo {

struct Inference {
  Trace trace;
  Dist x;  // p(x | code)
};

/// A variational autoencoder: latent variables, a decoder network and a likelihood.
class Model : public torch::nn::Module {
 public:
  Model(std::shared_ptr<Latent> latent, std::shared_ptr<Network> decoder, Likelihood likelihood,
        std::shared_ptr<Predictor> predictor = nullptr, Densities densities = {});
  /// samples = 0 takes posterior means.
  Inference infer(const Batch& batch, int64_t samples = 1);
  Inference generate(int64_t n, const Tensor& c = Tensor(), const Values& fixed = {});
  /// p(x | code) for given codes.
  Dist decode(const Tensor& code, const Tensor& c = Tensor());

  const std::shared_ptr<Latent> latent;
  const std::shared_ptr<Network> decoder;
  const Likelihood likelihood;
  const std::shared_ptr<Predictor> predictor;  // null where there is nothing to predict
  const Densities densities;                   // of x, beside p(x); empty where the spec has none
};

/// [S, B] log p(x | code): masked, summed.
Tensor log_likelihood(const Inference& inference, const Batch& batch);
/// The same as [S*B].
Tensor row_log_likelihood(const Inference& inference, const Batch& batch);
/// [S, B] summed over sites.
Tensor kl(const Trace& trace, int64_t rows);
/// [S, B] log p(x, z) - log q(z | x), the importance ratio without log_weight.
Tensor log_ratio(const Inference& inference, const Batch& batch);
/// The same where log p(x|z) is known already, [S, B].
Tensor log_ratio(const Trace& trace, const Tensor& log_likelihood);

}  // namespace elbo

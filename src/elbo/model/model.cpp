#include "elbo/model/model.h"

namespace elbo {
namespace {

/// p(x | code) of a code that was made along with x: its draw is that x.
struct Drawn : Distribution {
  Dist given;
  Tensor x;
  Drawn(Dist given, Tensor x) : given(std::move(given)), x(std::move(x)) {}
  Tensor log_prob(const Tensor& other) const override { return given->log_prob(other); }
  Tensor sample(torch::IntArrayRef prefix) const override {
    check(prefix.empty(), "[generate] x: a single draw comes with each code, asked for ", prefix);
    return x;
  }
  Tensor mean() const override { return given->mean(); }
  Tensor stddev() const override { return given->stddev(); }
  bool reparameterized() const override { return false; }
};

}  // namespace

Model::Model(std::shared_ptr<Latent> latent, std::shared_ptr<Network> decoder,
             Likelihood likelihood, std::shared_ptr<Predictor> predictor, Densities densities)
    : latent(std::move(latent)),
      decoder(std::move(decoder)),
      likelihood(std::move(likelihood)),
      predictor(std::move(predictor)),
      densities(std::move(densities)) {
  register_module("latent", this->latent);
  register_module("decoder", this->decoder);
  register_module("likelihood", this->likelihood);
  if (this->predictor) register_module("predictor", this->predictor);
  for (size_t i = 0; i < this->densities.size(); ++i) {
    register_module("density" + std::to_string(i), this->densities[i]);
  }
  this->latent->use([decoder = this->decoder, likelihood = this->likelihood](const Tensor& code,
                                                                             const Tensor& c) {
    return (*likelihood)(decoder->forward(code, c));
  });
}

Dist Model::decode(const Tensor& code, const Tensor& c) {
  return (*likelihood)(decoder->forward(code, c));
}

Inference Model::infer(const Batch& batch, int64_t samples) {
  Inference inference{latent->infer(batch, samples), nullptr};
  const int64_t particles = inference.trace.log_weight.size(0);
  inference.x = decode(inference.trace.code, tile(batch.c, particles));
  if (predictor && batch.target.defined()) {
    auto& extra = inference.trace.extra;  // [S, B]
    const auto cost = predictor->cost(inference.trace.code, tile(batch.target, particles))
                          .view({particles, batch.size()});
    extra = extra.defined() ? extra + cost : cost;
  }
  return inference;
}

Inference Model::generate(int64_t n, const Tensor& c, const Values& fixed) {
  Inference inference{latent->generate(n, c, fixed), nullptr};
  inference.x = decode(inference.trace.code, c);
  const auto& x = inference.trace.x;
  if (x.defined()) inference.x = std::make_shared<Drawn>(inference.x, x);
  return inference;
}

Tensor row_log_likelihood(const Inference& inference, const Batch& batch) {
  const int64_t particles = inference.trace.log_weight.size(0);
  return inference.x->row_log_prob(tile(batch.x, particles), tile(batch.mask, particles));
}

Tensor log_likelihood(const Inference& inference, const Batch& batch) {
  return row_log_likelihood(inference, batch).view({-1, batch.size()});
}

Tensor kl(const Trace& trace, int64_t rows) {
  Tensor total;
  for (const auto& site : trace.sites) {
    auto one = site.kl().view({-1, rows});
    total = total.defined() ? total + one : one;
  }
  return total;
}

Tensor log_ratio(const Inference& inference, const Batch& batch) {
  return log_ratio(inference.trace, log_likelihood(inference, batch));
}

Tensor log_ratio(const Trace& trace, const Tensor& log_likelihood) {
  auto total = log_likelihood;
  for (const auto& site : trace.sites) {
    total = total + (site.log_prior() - site.log_posterior()).view(total.sizes());
  }
  return total;
}

}  // namespace elbo

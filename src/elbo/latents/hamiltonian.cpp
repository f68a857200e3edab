#include <torch/autograd.h>

#include <cmath>

#include "elbo/distributions/continuous.h"
#include "elbo/kernels/choice.h"
#include "elbo/model/spec.h"

namespace elbo {
namespace {

struct HamiltonianOptions {
  int64_t size = 32, leaps = 3;
  double step = 0.05, most_step = 0.5, temper = 0.3;
  Json encoder, posterior, prior;
  template <class F>
  void fields(F&& f) {
    f("size", size, "number of latent dimensions", between(1, 65536));
    f("leaps", leaps, "number of leapfrog steps", between(1, 1000));
    f("step", step, "initial step size; learned for each dimension", between(1e-6, 10));
    f("most_step", most_step, "largest step size that can be learned", between(1e-6, 10));
    f("temper", temper, "initial inverse temperature of the first leap; learned",
      between(1e-3, 0.999));
    f("encoder", encoder, "network from x to the posterior (default: the spec's)");
    f("posterior", posterior, "distribution where the leaps begin (default: the spec's)");
    f("prior", prior, "prior p(z) (default: the spec's)");
  }
};

Tensor logit(double share) { return torch::full({}, std::log(share / (1 - share))); }

/// What z and its momentum are after leaps along the gradient of log p(x, z), from a draw of
/// q_0(z|x) (Caterini et al. 2018, arXiv:1805.11328). The map keeps volume but for the tempering,
/// which undoes the width that the momentum starts with: log q(z, rho) = log q_0(z_0) + log N(g),
/// where rho_0 = g / sqrt(beta_0).
class Hamiltonian : public Latent {
 public:
  Hamiltonian(const LatentPlan& plan, const HamiltonianOptions& o) : o_(o) {
    check(o.step < o.most_step, "[latent hamiltonian] step: found ", o.step,
          ", must be below most_step (", o.most_step, ")");
    Json start{{"type", "flat"}, {"size", o.size}};
    const auto pass = [&](const char* name, const Json& value) {
      if (!value.is_null()) start[name] = value;
    };
    pass("encoder", o.encoder);
    pass("posterior", o.posterior);
    pass("prior", o.prior);
    start_ = register_module("start", latents().make(plan, start));
    step_ = register_parameter("step", logit(o.step / o.most_step).repeat({o.size}));
    temper_ = register_parameter("temper", logit(o.temper).reshape({1}));
  }

  Trace infer(const Batch& batch, int64_t samples) override {
    check(decode_ != nullptr,
          "[latent hamiltonian] place: it follows log p(x, z), so it cannot be part of a product");
    auto trace = start_->infer(batch, samples);
    auto& site = trace.sites.at(0);
    site.log_q = site.log_posterior();
    const auto draw = samples == 0 ? torch::zeros_like(site.value) : torch::randn_like(site.value);
    const auto [z, momentum] = leap(site.value, draw, [&](const Tensor& at) {
      return log_joint(at, *site.prior, batch, trace.log_weight.size(0));
    });
    site.value = trace.code = z;
    site.posterior = nullptr;  // no density in closed form: that of the draw is known
    const auto standard = std::make_shared<StandardNormal>(Shape{o_.size}, options());
    trace.sites.push_back({"momentum", momentum, standard->log_prob(draw), nullptr, standard});
    return trace;
  }

  Trace generate(int64_t n, const Tensor& c, const Values& fixed) override {
    return start_->generate(n, c, fixed);
  }
  Shape code() const override { return start_->code(); }
  std::vector<Tensor> prior_parameters() const override { return start_->prior_parameters(); }
  std::vector<LayerReport> report() const override { return start_->report(); }
  void use(const Decode& decode) override { decode_ = decode; }

 private:
  torch::TensorOptions options() const { return step_.options().requires_grad(false); }

  /// [S*B] log p(x | z) + log p(z).
  Tensor log_joint(const Tensor& z, const Distribution& prior, const Batch& batch,
                   int64_t particles) const {
    const auto p = decode_(z, tile(batch.c, particles));
    return p->row_log_prob(tile(batch.x, particles), tile(batch.mask, particles)) +
           prior.row_log_prob(z);
  }

  /// The force at z: with a graph of its own where the leaps are to be learned.
  template <class LogJoint>
  static Tensor force(const Tensor& z, const LogJoint& log_joint) {
    const bool learn = torch::GradMode::is_enabled();
    const torch::AutoGradMode enabled(true);
    const PlainOperations plain(learn);
    const auto at = z.requires_grad() ? z : z.detach().requires_grad_();
    return torch::autograd::grad({log_joint(at).sum()}, {at}, {}, learn, learn)[0];
  }

  /// z and momentum after all leaps; 1 / sqrt(beta) falls to 1 with the square of the leap's
  /// number.
  template <class LogJoint>
  std::pair<Tensor, Tensor> leap(Tensor z, const Tensor& draw, const LogJoint& log_joint) const {
    const auto step = o_.most_step * step_.sigmoid();
    const auto wide = temper_.sigmoid().rsqrt();  // 1 / sqrt(beta_0)
    const auto width = [&](int64_t k) {
      const double share = static_cast<double>(k * k) / static_cast<double>(o_.leaps * o_.leaps);
      return wide + (1 - wide) * share;
    };
    auto momentum = wide * draw;
    auto pull = force(z, log_joint);
    for (int64_t k = 1; k <= o_.leaps; ++k) {
      momentum = momentum + 0.5 * step * pull;
      z = z + step * momentum;
      pull = force(z, log_joint);
      momentum = (momentum + 0.5 * step * pull) * (width(k) / width(k - 1));
    }
    return {z, momentum};
  }

  const HamiltonianOptions o_;
  std::shared_ptr<Latent> start_;
  Tensor step_, temper_;  // [d], [1]: their logits
  Decode decode_;
};

const bool hamiltonian_added = latents().add<HamiltonianOptions>(
    "hamiltonian", "A draw moved along the gradient of log p(x, z), for a better posterior",
    [](const LatentPlan& plan, const HamiltonianOptions& options) {
      return std::make_shared<Hamiltonian>(plan, options);
    });

}  // namespace
}  // namespace elbo

#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

struct ImportanceOptions {
  int64_t samples = 50;
  int64_t groups = 1;
  double mix = 0;
  std::string gradient = "plain";
  bool partial = false;
  template <class F>
  void fields(F&& f) {
    f("samples", samples, "draws per row in each group", between(1, 100000));
    f("groups", groups, "number of bounds averaged (MIWAE)", between(1, 100000));
    f("mix", mix, "share of the plain ELBO in the loss (CIWAE)", between(0, 1));
    f("gradient", gradient,
      "estimator for the encoder: plain, sticking the landing, doubly "
      "reparameterised",
      one_of({"plain", "stl", "dreg"}));
    f("partial", partial, "use all draws as one group in the decoder's loss (PIWAE)");
  }
};

/// Importance-weighted bounds. IWAE: Burda et al. 2016; MIWAE, CIWAE, PIWAE: Rainforth et al.
/// 2018; STL: Roeder et al. 2017; DReG: Tucker et al. 2019.
class Importance : public Objective {
 public:
  explicit Importance(ImportanceOptions options) : o_(std::move(options)) {}

  int64_t draws() const override { return o_.samples * o_.groups; }

  std::vector<Player> players(Model& model) override {
    if (!o_.partial) return Objective::players(model);
    const auto generative = generative_parameters(model);
    return {
        {"inference", other_parameters(model, generative),
         [this](const Step& step) { return loss(step); }},
        {"generative", generative, [this](const Step& step) { return bound_in_groups(step, 1); }}};
  }

  Terms loss(const Step& step) override { return bound_in_groups(step, o_.groups); }

 private:
  Terms bound_in_groups(const Step& step, int64_t groups) const {
    const auto& batch = step.batch;
    const auto inference = step.infer(o_.samples * o_.groups);
    const auto& trace = inference.trace;
    must_carry_gradients(step.model, trace);
    const bool score_free = o_.gradient != "plain";
    const auto log_p = log_likelihood(inference, batch);           // [S, B]
    const auto divergence = sampled_kl(trace, log_p, score_free);  // [S, B]
    auto log_w = log_p - divergence;
    if (trace.extra.defined()) log_w = log_w - trace.extra;
    if (o_.gradient == "dreg") square_encoder_weights(trace, log_w);

    // log_weight is -log S for draws: over a group of S / groups the constant grows by log groups.
    const auto in_groups = (log_w + trace.log_weight).view({groups, -1, batch.size()});
    const auto bound = in_groups.logsumexp(1).mean() + std::log(static_cast<double>(groups));
    const auto elbo = average(trace, log_w);
    Terms terms;
    terms.loss = o_.mix > 0 ? -(o_.mix * elbo + (1 - o_.mix) * bound) : -bound;
    terms.parts.emplace_back("elbo", -elbo.detach());
    terms.parts.emplace_back("kl", average(trace, divergence).detach());
    return terms;
  }

  /// [S, B] log q(z|x) - log p(z) at the draws. Score-free: the posterior's parameters are held
  /// fixed inside log q, so that only the path through z carries gradient.
  Tensor sampled_kl(const Trace& trace, const Tensor& like, bool score_free) const {
    auto total = torch::zeros_like(like);
    for (const auto& site : trace.sites) {
      auto log_q = site.log_posterior();
      if (score_free) {
        const auto fixed = site.posterior ? site.posterior->detached() : nullptr;
        check(fixed != nullptr, "[objective importance] gradient: ", o_.gradient,
              " needs a posterior whose density can be taken without its parameters; "
              "site ",
              site.name, " has none, use plain");
        log_q = fixed->row_log_prob(site.value);
      }
      total = total + (log_q - site.log_prior()).view(like.sizes());
    }
    return total;
  }

  /// DReG: the encoder's gradient carries the normalised weights squared. The loss gives one
  /// factor, a hook on z the other; the decoder keeps one.
  void square_encoder_weights(const Trace& trace, const Tensor& log_w) const {
    check(trace.sites.size() == 1,
          "[objective importance] gradient: dreg needs a single latent site, this model has ",
          trace.sites.size(), "; use plain or stl");
    const auto& z = trace.sites.front().value;
    if (!z.requires_grad()) return;  // evaluation
    const auto grouped = (log_w.detach() + trace.log_weight).view({o_.groups, -1, log_w.size(1)});
    const auto w = grouped.softmax(1).flatten();  // [S*B]
    auto shape = std::vector<int64_t>(z.dim(), 1);
    shape[0] = -1;
    z.register_hook([w = w.view(shape)](const Tensor& gradient) { return gradient * w; });
  }

  ImportanceOptions o_;
};

const bool importance_added = objectives().add<ImportanceOptions>(
    "importance", "Importance-weighted bounds: IWAE, MIWAE, CIWAE, PIWAE",
    [](const ObjectivePlan&, ImportanceOptions options) {
      return std::make_shared<Importance>(std::move(options));
    });

}  // namespace
}  // namespace elbo

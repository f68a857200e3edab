#include "elbo/core/schedule.h"
#include "elbo/model/spec.h"
#include "elbo/objectives/critic.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

constexpr const char* kAdversarialWhere = "objective adversarial";

struct AdversarialOptions {
  Schedule beta = 1, feature_weight = 1, likelihood_weight = 0.01;
  std::string loss = "logistic";
  Json critic = "auto";
  int64_t features = 128;
  double penalty = 1;
  template <class F>
  void fields(F&& f) {
    f("beta", beta, "weight of the KL term in the encoder's loss", at_least(0));
    f("feature_weight", feature_weight,
      "weight of the reconstruction of the critic's features in the decoder's loss", at_least(0));
    f("likelihood_weight", likelihood_weight,
      "weight of -log p(x|z) in both losses: small, so that the likelihood's scale is learned",
      at_least(0));
    f("loss", loss, "loss of the critic", one_of(kCriticLosses));
    f("critic", critic,
      "network from x to the critic's features (auto = conv for images, else mlp)");
    f("features", features, "number of features that the critic's logit reads", between(1, 65536));
    f("penalty", penalty, "weight of half the critic's squared gradient at real rows", at_least(0));
  }
};

/// VAE-GAN: the decoder answers to a critic, and what is to be reconstructed are its features.
class Adversarial : public Objective {
 public:
  Adversarial(const ObjectivePlan& plan, AdversarialOptions options)
      : binary_(plan.data.x.kind == Kind::kBinary), o_(std::move(options)) {
    const auto kind = plan.data.x.kind;
    check(is_numeric(kind), "[", kAdversarialWhere, "] ", kind,
          " data: a critic needs numbers that a gradient can move; allowed binary, byte, count, "
          "real, unit");
    Json body = o_.critic;
    if (body == "auto") body = {{"type", plan.data.x.shape.size() == 3 ? "conv" : "mlp"}};
    features_ = register_module(
        "features", make_encoder(body, plan.data, {o_.features}, condition_size(plan.data)));
    const Json linear{{"type", "mlp"}, {"hidden", Json::array()}};
    logit_ = register_module(
        "logit", std::make_shared<Critic>(networks().make({{o_.features}, {1}}, linear)));
  }

  double kl_weight(int64_t step) const override { return o_.beta.at(step); }

  std::vector<Player> players(Model& model) override {
    const auto decoder = decoder_parameters(model);
    return {
        {"encoder", other_parameters(model, decoder), [this](const Step& s) { return loss(s); }},
        {"decoder", decoder, [this](const Step& s) { return decoder_terms(s); }},
        {"critic", parameters(), [this](const Step& s) { return critic_terms(s); }}};
  }

  /// The encoder's.
  Terms loss(const Step& step) override {
    const auto r = reconstructed(step);
    return terms_of(r.bound, r.loss + r.feature + o_.beta.at(step.number) * r.bound.divergence,
                    {{"feature", r.feature}});
  }

  /// The negative ELBO: a distance in the features of a critic that learns compares no epochs.
  Terms validate(Model& model, const Batch& batch) override {
    const auto bound = bound_of(model, batch);
    return terms_of(bound, bound.reconstruction + bound.divergence);
  }

 private:
  Tensor features(const Tensor& x, const Batch& batch) { return features_->forward(x, batch.c); }
  Tensor logits(const Tensor& x, const Batch& batch) {
    return (*logit_)(torch::relu(features(x, batch)));
  }

  /// Hidden cells are 0 in what is real and in what is made.
  static Tensor seen(const Tensor& x, const Batch& batch) {
    return batch.mask.defined() ? x.masked_fill(batch.mask == 0, 0) : x;
  }

  /// The rows that a critic sees of p(x|z): bits for bits, else the mean.
  Tensor shown(const Dist& x, const Batch& batch) const {
    const auto mean = x->mean();
    check(mean.requires_grad() || !torch::GradMode::is_enabled(), "[", kAdversarialWhere,
          "] the likelihood's mean has no gradient; use normal, bernoulli or another whose mean "
          "moves with its parameters");
    return seen(binary_ ? straight_through(x->sample(), mean) : mean, batch);
  }

  /// What the losses of encoder and decoder share.
  struct Reconstructed {
    Bound bound;
    Tensor made, feature, loss;
  };
  Reconstructed reconstructed(const Step& step) {
    Reconstructed r{bound_of(step), {}, {}, {}};
    r.made = features(shown(r.bound.inference.x, step.batch), step.batch);
    r.feature = feature_distance(r.made, step.batch);
    r.loss = o_.likelihood_weight.at(step.number) * r.bound.reconstruction;
    return r;
  }

  Terms decoder_terms(const Step& step) {
    const auto& batch = step.batch;
    const auto r = reconstructed(step);
    const auto drawn = step.model.generate(batch.size(), batch.c).x;
    const auto fooling = maker_loss((*logit_)(torch::relu(r.made)), o_.loss) +
                         maker_loss(logits(shown(drawn, batch), batch), o_.loss);
    return terms_of(r.bound, r.loss + o_.feature_weight.at(step.number) * r.feature + fooling,
                    {{"feature", r.feature}, {"fooling", fooling}});
  }

  /// Half the squared distance to the features of x, in units of their spread over the batch.
  Tensor feature_distance(const Tensor& made, const Batch& batch) {
    Tensor real;
    {
      torch::NoGradGuard no_gradient;
      real = features(seen(batch.x, batch), batch);
    }
    const auto spread = (real - real.mean(0)).square().mean().clamp_min(1e-8);
    return 0.5 * row_sum((made - real).square()).mean() / spread;
  }

  Terms critic_terms(const Step& step) {
    const auto& batch = step.batch;
    Tensor rebuilt, drawn;
    {
      torch::NoGradGuard no_gradient;
      rebuilt = shown(step.model.decode(step.codes().code, batch.c), batch);
      drawn = shown(step.model.generate(batch.size(), batch.c).x, batch);
    }
    const auto made = torch::cat({logits(rebuilt, batch), logits(drawn, batch)});
    const auto of = [&](const Tensor& x) { return logits(x, batch); };
    return {critic_loss(of, seen(batch.x, batch), made, o_.loss, o_.penalty), {}};
  }

  const bool binary_;
  const AdversarialOptions o_;
  std::shared_ptr<Network> features_;
  std::shared_ptr<Critic> logit_;
};

const bool adversarial_added = objectives().add<AdversarialOptions>(
    "adversarial", "A critic of the data, and reconstruction of its features (VAE-GAN)",
    [](const ObjectivePlan& plan, AdversarialOptions options) {
      return std::make_shared<Adversarial>(plan, std::move(options));
    });

}  // namespace
}  // namespace elbo

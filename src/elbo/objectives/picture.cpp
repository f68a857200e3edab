#include <torch/autograd.h>

#include "elbo/core/schedule.h"
#include "elbo/model/sees_training.h"
#include "elbo/objectives/critic.h"
#include "elbo/objectives/feature_space.h"
#include "elbo/objectives/patch_critic.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

constexpr const char* kPictureWhere = "objective picture";
constexpr double kLeastPull = 1e-4, kMostCritic = 1e4;  // of the adaptive weight, as published

struct PictureOptions {
  Schedule beta = 1e-3, perceptual = 1;
  std::string features = "own", trained = "all";
  Schedule critic = 0;
  int64_t critic_start = 0;
  bool adaptive = true;
  std::vector<int64_t> critic_channels{32, 64};
  double critic_rate = 1;
  template <class F>
  void fields(F&& f) {
    f("beta", beta, "weight of the KL term", at_least(0));
    f("perceptual", perceptual, "cost of a perceptual distance of 1, in nats per number of a row",
      at_least(0));
    f("features", features,
      "features of the perceptual distance: own (of a small network that learns to take noise off "
      "these pictures, before the first step) or a .safetensors file of a network, such as LPIPS' "
      "written by python3 -m elbo_features");
    f("critic", critic,
      "weight of the critic of patches, relative to the other terms where adaptive (0 = none)",
      at_least(0));
    f("critic_start", critic_start, "steps before the critic takes part", at_least(0));
    f("adaptive", adaptive,
      "weigh the critic so that it moves pictures as strongly as pixels and features do");
    f("critic_channels", critic_channels,
      "channels of the critic's layers, each at half the size of the one before");
    f("critic_rate", critic_rate, "critic's learning rate as a factor of the model's", at_least(0));
    f("trained", trained, "parts of the model that are trained", one_of({"all", "decoder"}));
  }
};

/// The recipe of latent diffusion's autoencoders: likelihood, features, KL, and a critic of patches
/// under the hinge loss.
class Picture : public Objective, public SeesTraining {
 public:
  Picture(const ObjectivePlan& plan, PictureOptions options) : o_(std::move(options)) {
    const auto& x = plan.data.x;
    check(x.shape.size() == 3 && is_bounded(x.kind), "[", kPictureWhere, "] ", x.kind,
          " data of shape ", to_string(x.shape), ": needs images of kind binary, byte or unit");
    numbers_ = static_cast<double>(numel(x.shape));
    if (o_.critic.highest() == 0) return;
    for (const int64_t width : o_.critic_channels) {
      check(width > 0, "[", kPictureWhere, "] critic_channels: found ", width,
            ", must be positive");
    }
    const int64_t least = int64_t{1} << o_.critic_channels.size();
    check(x.shape[1] >= least && x.shape[2] >= least, "[", kPictureWhere,
          "] critic_channels: ", o_.critic_channels.size(), " layers halve pictures of ",
          x.shape[1], "x", x.shape[2], " below one place");
    critic_ =
        register_module("critic", std::make_shared<PatchCritic>(x.shape[0], o_.critic_channels));
  }

  double kl_weight(int64_t step) const override { return o_.beta.at(step); }

  void see(const Dataset& training) override {
    if (o_.perceptual.highest() == 0) return;
    features_ = o_.features == "own"
                    ? learn_features(training, 0).network
                    : load_features(o_.features, training.schemas().x.shape.at(0)).network;
  }

  std::vector<Player> players(Model& model) override {
    auto players = Objective::players(model);
    auto& own = players.front();
    if (o_.trained == "decoder") own.parameters = decoder_parameters(model);
    if (!critic_) return players;
    players.push_back(
        {"critic", critic_->parameters(), [this](const Step& s) { return judge(s.number); }});
    players.back().settings.rate = o_.critic_rate;
    return players;
  }

  Terms loss(const Step& step) override {
    const auto& batch = step.batch;
    const auto made = decoded(step);
    const auto distance = perceptual(made.shown, batch);
    Logged logged;
    Tensor pull;
    if (distance.defined()) {
      logged.emplace_back("perceptual", distance);
      pull = pixel_weight(step.number) * distance;
    }
    const auto pictures = weighted(made, pull, step.number, logged);
    real_ = seen(batch.x, batch);
    shown_ = seen(made.shown.detach(), batch);
    const auto whole = made.bound.reconstruction + o_.beta.at(step.number) * made.bound.divergence;
    return terms_of(made.bound, pictures.defined() ? whole + pictures : whole, logged);
  }

  /// Without the critic, which compares no epochs.
  Terms validate(Model& model, const Batch& batch) override {
    const auto bound = bound_of(model, batch);
    codes_of(bound.inference.trace, kPictureWhere);
    const auto distance = perceptual(bound.inference.x->mean(), batch);
    auto whole = bound.reconstruction + o_.beta.at(kEndOfTraining) * bound.divergence;
    if (!distance.defined()) return terms_of(bound, whole);
    return terms_of(bound, whole + pixel_weight(kEndOfTraining) * distance,
                    {{"perceptual", distance}});
  }

 private:
  /// A batch's pictures as they leave the decoder: `output` in the graph, `leaf` its copy, which
  /// `shown` and `reconstruction` of the leaf hang on.
  struct Made {
    Bound bound;
    Tensor output, leaf, shown, reconstruction;
  };

  double pixel_weight(int64_t step) const { return numbers_ * o_.perceptual.at(step); }

  Made decoded(const Step& step) const {
    auto& model = step.model;
    const auto& batch = step.batch;
    Made made;
    auto& inference = made.bound.inference;
    {
      const torch::AutoGradMode gradient(o_.trained == "all" && torch::GradMode::is_enabled());
      inference.trace = model.latent->infer(batch, 1);
      codes_of(inference.trace, kPictureWhere);
      const auto& trace = inference.trace;
      made.bound.divergence = average(trace, kl(trace, batch.size()));
      if (trace.extra.defined()) made.bound.extra = average(trace, trace.extra);
    }
    made.output = model.decoder->forward(inference.trace.code, batch.c);
    inference.x = (*model.likelihood)(made.output);
    made.bound.reconstruction = average(inference.trace, row_log_likelihood(inference, batch), -1);
    made.leaf = made.output.detach().requires_grad_(torch::GradMode::is_enabled());
    const Inference copy{inference.trace, (*model.likelihood)(made.leaf)};
    made.shown = copy.x->mean();
    check(made.shown.requires_grad() || !torch::GradMode::is_enabled(), "[", kPictureWhere,
          "] the likelihood's mean has no gradient; use laplace, normal or bernoulli");
    if (critic_) made.reconstruction = average(copy.trace, row_log_likelihood(copy, batch), -1);
    return made;
  }

  /// Hidden cells are 0 in what is real and in what is made.
  static Tensor seen(const Tensor& x, const Batch& batch) {
    return batch.mask.defined() ? x.masked_fill(batch.mask == 0, 0) : x;
  }

  /// Undefined without features: before training has been seen, or where they weigh nothing.
  Tensor perceptual(const Tensor& shown, const Batch& batch) const {
    if (!features_) return Tensor();
    const auto x = seen(batch.x, batch);
    features_->to(x.device(), x.scalar_type());
    std::vector<Tensor> real;
    {
      const torch::NoGradGuard no_gradient;
      real = features_->layers(x);
    }
    return features_->distance(features_->layers(seen(shown, batch)), real).mean();
  }

  /// The terms of shown pictures as one: its gradients with respect to the decoder's output are
  /// computed here, each once, and go through the decoder together.
  Tensor weighted(const Made& made, const Tensor& pull, int64_t step, Logged& logged) {
    const bool judged = critic_ && step >= o_.critic_start && o_.critic.at(step) > 0;
    if (!judged && !pull.defined()) return Tensor();
    if (!torch::GradMode::is_enabled()) return pull;  // looked at, not learned from
    auto value = pull.defined() ? pull : torch::zeros({}, made.shown.options());
    Tensor direction;
    if (pull.defined()) direction = gradient(pull, made.leaf);
    if (judged) {
      const auto fooling = maker_loss((*critic_)(made.shown), "hinge");
      const auto away = gradient(fooling, made.leaf);
      auto weight = o_.critic.at(step);
      if (o_.adaptive) {
        auto others = gradient(made.reconstruction, made.leaf);
        if (direction.defined()) others = others + direction;
        const double share =
            others.norm().item<double>() / (away.norm().item<double>() + kLeastPull);
        weight *= std::clamp(share, 0.0, kMostCritic);
      }
      direction = direction.defined() ? direction + weight * away : weight * away;
      value = value + weight * fooling;
      logged.emplace_back("fooling", fooling);
    }
    const auto through = (made.output * direction).sum();
    return through - through.detach() + value.detach();
  }

  static Tensor gradient(const Tensor& term, const Tensor& leaf) {
    return torch::autograd::grad({term}, {leaf}, {}, /*retain_graph=*/true)[0];
  }

  /// The critic's loss on the pictures that the model's turn has seen.
  Terms judge(int64_t step) {
    if (step < o_.critic_start) return {};
    return {0.5 * critic_loss((*critic_)(real_), (*critic_)(shown_), "hinge"), {}};
  }

  const PictureOptions o_;
  double numbers_;
  std::shared_ptr<PictureFeatures> features_;  // not of the state: learned anew on resuming
  std::shared_ptr<PatchCritic> critic_;
  Tensor real_, shown_;  // of the model's latest turn
};

const bool picture_added = objectives().add<PictureOptions>(
    "picture", "Pixels, features and a critic of patches, as image autoencoders are trained",
    [](const ObjectivePlan& plan, PictureOptions options) {
      return std::make_shared<Picture>(plan, std::move(options));
    });

}  // namespace
}  // namespace elbo

#include "elbo/data/label_rows.h"
#include "elbo/data/rows.h"
#include "elbo/group/group.h"
#include "elbo/model/sees_training.h"
#include "elbo/objectives/terms.h"
#include "elbo/objectives/views.h"

namespace elbo {
namespace {

struct ConsistencyOptions : ViewOptions {
  Json of = "elbo";
  double weight = 500, confidence = 0.8;
  int64_t labelled = 64, looks = 3;
  bool align = true;
  template <class F>
  void fields(F&& f) {
    ViewOptions::fields(f);
    f("of", of, "objective to which the classifier's terms are added");
    f("weight", weight, "weight of the classifier's two cross entropies", at_least(0));
    f("confidence", confidence, "least predicted probability for a pseudo-label to be used",
      between(0, 1));
    f("labelled", labelled, "number of labelled rows added to each batch", between(1, 100000));
    f("looks", looks,
      "predictions averaged for a pseudo-label: the row itself plus looks − 1 augmented views",
      between(1, 16));
    f("align", align,
      "weigh pseudo-labels so that classes are as frequent as among the labelled rows");
  }
};

/// Another objective, and for the classifier: cross entropy of labelled rows seen at random places,
/// and of other rows' views against the class that the model is sure of when it sees them as they
/// are (Sohn et al. 2020, arXiv:2001.07685).
class Consistency : public Objective, public SeesTraining {
 public:
  Consistency(const ObjectivePlan& plan, ConsistencyOptions options) : o_(std::move(options)) {
    check(plan.data.x.shape.size() == 3, "[objective consistency] x: found ", plan.data.x.kind,
          " data of shape ", to_string(plan.data.x.shape), ", views need pictures");
    check(plan.data.y.present(), "[objective consistency] the data have no labels");
    of_ = register_module("of", objectives().make(plan, o_.of));
    const int64_t classes = class_count(plan.data.y);
    guessed_ = register_buffer("guessed", torch::full({classes}, 1.0 / classes));
  }

  std::vector<Player> players(Model& model) override {
    auto list = of_->players(model);
    check(list.size() == 1, "[objective consistency] of: ", o_.of.dump(), " has ", list.size(),
          " players, expected one");
    list.front().loss = [this](const Step& step) { return loss(step); };
    return list;
  }

  /// At most kMostKept labelled rows, drawn at random.
  void see(const Dataset& training) override {
    const auto known = (labels_of(training) >= 0).nonzero().flatten();
    check(known.size(0) > 0, "[objective consistency] none of the training rows has a label");
    const auto order = torch::tensor(permutation(known.size(0), Draw{}.key("consistency")));
    const int64_t kept = std::min(kMostKept, known.size(0));
    taught_ = training.get(known.index_select(0, order.narrow(0, 0, kept)));
    const auto counts = taught_.y.to(torch::kInt64).bincount({}, guessed_.size(0));
    share_ = (counts / static_cast<double>(kept)).to(guessed_.options());
  }

  Terms loss(const Step& step) override {
    check(taught_.y.defined(), "[objective consistency] it has not seen the training set");
    auto& model = step.model;
    const auto& batch = step.batch;
    auto terms = of_->loss(step);
    const auto rows = torch::randint(taught_.size(), {o_.labelled}, taught_.y.options());
    const auto taught = pick(taught_, rows.to(taught_.y.device()));
    const auto known = cross_entropy(model, taught, taught.y).mean();

    Tensor sure, guess;
    {
      torch::NoGradGuard no_gradient;
      std::tie(sure, guess) = aligned(guesses(model, batch)).max(1);
    }
    const auto counted = (sure >= o_.confidence).to(torch::kFloat32);
    const auto agreed = (counted * cross_entropy(model, batch, guess)).mean();
    terms.loss = terms.loss + o_.weight * (known + agreed);
    terms.parts.emplace_back("labelled", known.detach());
    terms.parts.emplace_back("agreement", agreed.detach());
    terms.parts.emplace_back("sure", counted.mean());
    return terms;
  }

  Terms validate(Model& model, const Batch& batch) override { return of_->validate(model, batch); }

 private:
  static constexpr int64_t kMostKept = 10000;
  static constexpr double kForgotten = 0.01;  // of the mean guess, at each step

  Batch viewed(Batch batch) const {
    batch.x = random_views(batch.x, o_);
    return batch;
  }
  static Tensor probabilities(Model& model, const Batch& batch) {
    const auto p = model.latent->class_probs({batch.x, batch.mask, batch.c, Tensor()});
    check(p.defined(), "[objective consistency] the model infers no classes");
    return p;
  }
  /// [B, K] mean over the row as it is and views of it: what one look mistakes surely, another
  /// doubts.
  Tensor guesses(Model& model, const Batch& batch) const {
    auto p = probabilities(model, batch);
    for (int64_t k = 1; k < o_.looks; ++k) p = p + probabilities(model, viewed(batch));
    return p / static_cast<double>(o_.looks);
  }
  /// Guesses [B, K], each class by how often it should come over how often it comes (Berthelot et
  /// al. 2019, arXiv:1911.09785): else one class swallows its neighbour and never lets go.
  Tensor aligned(const Tensor& p) {
    if (!o_.align) return p;
    const auto rows = static_cast<double>(p.size(0) * group_size());
    guessed_.lerp_(sum_over_group(p.sum(0)) / rows, kForgotten);
    const auto weighed = p * (share_.to(p.device()) / guessed_.clamp_min(1e-6));
    return weighed / weighed.sum(1, true).clamp_min(1e-30);
  }
  Tensor cross_entropy(Model& model, const Batch& batch, const Tensor& y) const {
    const auto p = probabilities(model, viewed(batch)).gather(1, y.unsqueeze(1)).squeeze(1);
    return -p.clamp_min(1e-30).log();
  }

  const ConsistencyOptions o_;
  std::shared_ptr<Objective> of_;
  Batch taught_;
  Tensor share_;    // [K] of the classes among the labelled rows
  Tensor guessed_;  // [K] mean guess so far
};

const bool consistency_added = objectives().add<ConsistencyOptions>(
    "consistency",
    "Another objective with a classifier whose predictions agree over views of a row",
    [](const ObjectivePlan& plan, ConsistencyOptions options) {
      return std::make_shared<Consistency>(plan, std::move(options));
    });

}  // namespace
}  // namespace elbo

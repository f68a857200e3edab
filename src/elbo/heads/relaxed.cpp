#include "elbo/distributions/relaxed.h"

#include "elbo/core/schedule.h"
#include "elbo/heads/parameters.h"

namespace elbo {
namespace {

struct GroupOptions {
  int64_t categories = 10;
  template <class F>
  void fields(F&& f) {
    f("categories", categories, "classes per group; the latent size is a multiple of it",
      between(2, 65536));
  }
};

struct RelaxedOptions : GroupOptions {
  Schedule temperature = 0.67;
  bool straight_through = false;
  template <class F>
  void fields(F&& f) {
    GroupOptions::fields(f);
    f("temperature", temperature,
      "temperature of draws in training: a number, or a schedule in steps", between(1e-3, 100));
    f("straight_through", straight_through, "use one-hot draws with the soft draw's gradient");
  }
};

/// [groups, K]
Shape split(const char* head, const Schema& variable, int64_t categories) {
  const auto& shape = variable.shape;
  check(shape.size() == 1 && shape[0] % categories == 0, "[head ", head, "] categories: found ",
        categories, " for a vector of ", to_string(shape), ", its size must be a multiple");
  return {shape[0] / categories, categories};
}

/// Soft draws in training; one-hot draws, whose masses make a true bound, in evaluation.
class RelaxedHead : public ReadingHead {
 public:
  RelaxedHead(const Context& at, const RelaxedOptions& o)
      : groups_(split("relaxed_one_hot", at.variable, o.categories)), options_(o) {
    check(o.temperature.in_steps(1).text() == o.temperature.text(),
          "[head relaxed_one_hot] temperature: found ", o.temperature.text(),
          ", its length must be in steps");
    passes_ = register_buffer("passes", torch::zeros({1}));
  }
  Dist operator()(const Tensor& h) override {
    const auto logits = h.view(with_rows(h.size(0), groups_));
    if (!is_training()) return std::make_shared<OneHotGroups>(logits);
    double temperature = options_.temperature.at(0);
    if (!options_.temperature.constant()) {
      temperature = options_.temperature.at(passes_.item<int64_t>());
      passes_.add_(1);
    }
    return std::make_shared<RelaxedOneHot>(logits, temperature, options_.straight_through);
  }
  Shape input() const override { return {groups_[0] * groups_[1]}; }

 private:
  Shape groups_;
  RelaxedOptions options_;
  Tensor passes_;  // in training, for the schedule
};

/// All classes alike.
class OneHotHead : public FreeHead {
 public:
  OneHotHead(const Context& at, const GroupOptions& o)
      : groups_(split("one_hot", at.variable, o.categories)) {}
  Dist operator()(const Tensor& h) override {
    const auto logits =
        h.defined() ? h.view(with_rows(h.size(0), groups_)) : torch::zeros(groups_, options());
    return std::make_shared<OneHotGroups>(logits);
  }
  Shape input() const override { return {groups_[0] * groups_[1]}; }

 private:
  Shape groups_;
};

const bool added_relaxed = heads().add<RelaxedOptions>(
    "relaxed_one_hot",
    "Groups of classes, relaxed in training (Jang et al. 2017, arXiv:1611.01144)",
    [](const Context& at, RelaxedOptions o) { return std::make_shared<RelaxedHead>(at, o); });

const bool added_one_hot = heads().add<GroupOptions>(
    "one_hot", "Groups of classes as one-hot vectors; as a free prior: uniform",
    [](const Context& at, GroupOptions o) { return std::make_shared<OneHotHead>(at, o); });

}  // namespace
}  // namespace elbo

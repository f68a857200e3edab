#include "elbo/distributions/flow.h"

#include "elbo/model/flow_step.h"
#include "elbo/model/head.h"

namespace elbo {
namespace {

struct FlowOptions {
  Json step = "iaf";
  int64_t steps = 4;
  Json base = "normal";
  template <class F>
  void fields(F&& f) {
    f("step", step,
      "step: a name or {\"type\": name, options}, or a list that is repeated (elbo list steps)");
    f("steps", steps, "number of steps", between(1, 1000));
    f("base", base, "distribution that the steps reshape");
  }
};

/// A base distribution through learned steps. With features (a posterior) they hold the base's
/// parameters and then each step's share; a free prior has parameters of its own.
class FlowHead : public Head {
 public:
  FlowHead(const Context& at, const FlowOptions& options) {
    const auto& shape = at.variable.shape;
    check(shape.size() == 1, "[head flow] shape: found ", to_string(shape),
          ", flows reshape plain vectors");
    const bool free = at.role == Role::kFree;
    base_ = register_module("base", make_head(at, options.base));
    check(base_->input().size() == 1 && !base_->reads_condition(),
          "[head flow] base: it must read a plain vector of features");
    for (int64_t i = 0; i < options.steps; ++i) {
      const auto& list = options.step;
      check(!list.is_array() || !list.empty(), "[head flow] step: found an empty list");
      const Json& step = list.is_array() ? list[i % list.size()] : list;
      steps_.push_back(register_module("step" + std::to_string(i),
                                       flow_steps().make({shape[0], free, i}, step)));
      features_ += steps_.back()->features();
    }
  }

  Dist operator()(const Tensor& h) override {
    std::vector<Bijection> maps;
    if (!h.defined()) {
      for (const auto& step : steps_) maps.push_back((*step)(Tensor()));
      return std::make_shared<Flow>((*base_)(Tensor()), std::move(maps));
    }
    int64_t from = base_->input()[0];
    const auto base = (*base_)(h.narrow(-1, 0, from));
    for (const auto& step : steps_) {
      maps.push_back((*step)(h.narrow(-1, from, step->features())));
      from += step->features();
    }
    return std::make_shared<Flow>(base, std::move(maps));
  }

  Shape input() const override { return {base_->input()[0] + features_}; }

 private:
  std::shared_ptr<Head> base_;
  std::vector<std::shared_ptr<FlowStep>> steps_;
  int64_t features_ = 0;
};

const bool flow_added = heads().add<FlowOptions>(
    "flow", "A normal reshaped by invertible steps, as posterior or as free prior",
    [](const Context& at, FlowOptions options) { return std::make_shared<FlowHead>(at, options); });

}  // namespace
}  // namespace elbo

#include <cmath>

#include "elbo/heads/parameters.h"
#include "elbo/heads/state_layout.h"
#include "elbo/model/sees_training.h"

namespace elbo {
namespace {

constexpr int64_t kStateRows = 200000;  // from which the states are learned

struct StatesOptions {
  template <class F>
  void fields(F&&) {}
};

/// Columns of a table over states that are learned from the training rows: classes and grades as
/// they are; of numbers each value that many rows share, and ranges of as many rows each. Within a
/// range values are as frequent as in its cells, on the grid that all values of the column lie on.
/// Features are added to the logarithms of the states' frequencies.
class StatesHead : public ReadingHead, public SeesTraining {
 public:
  explicit StatesHead(const Context& at) {
    check_kind("states", at.variable, {Kind::kTable});
    auto space = empty_space(columns_of(at.variable));
    const std::pair<const char*, Tensor*> parts[] = {
        {"used", &space.used},           {"values", &space.values},
        {"knots", &space.knots},         {"log_inside", &space.log_inside},
        {"cumulated", &space.cumulated}, {"cells", &space.cells},
        {"step", &space.step},           {"origin", &space.origin},
        {"rest", &space.rest},           {"middle", &space.middle},
        {"reach", &space.reach},         {"low", &space.low},
        {"high", &space.high},           {"centres", &space.centres},
        {"spreads", &space.spreads}};
    for (const auto& [name, tensor] : parts) *tensor = register_buffer(name, *tensor);
    frequency_ = register_buffer("frequency", torch::zeros({space.columns(), space.states()}));
    space_ = std::make_shared<const StateSpace>(std::move(space));
  }

  Dist operator()(const Tensor& h) override {
    return std::make_shared<States>(space_, h.view({h.size(0), -1, space_->states()}) + frequency_);
  }
  Shape input() const override { return {space_->columns(), space_->states()}; }

  void see(const Dataset& training) override {
    torch::NoGradGuard no_gradient;
    const auto rows = some_of(training, kStateRows);
    for (int64_t j = 0; j < space_->columns(); ++j) {
      const auto known = rows.mask.select(1, j).nonzero().flatten();
      const auto counts = learn_states(*space_, j, rows.x.select(1, j).index_select(0, known));
      frequency_[j].copy_((counts.clamp_min(1e-3) / counts.sum().clamp_min(1)).log());
    }
  }

 private:
  std::shared_ptr<const StateSpace> space_;
  Tensor frequency_;  // [D, V] logarithms
};

const bool states_added = heads().add<StatesOptions>(
    "states", "Columns of a table over states: classes, common values, ranges of the others",
    [](const Context& at, const StatesOptions&) { return std::make_shared<StatesHead>(at); });

}  // namespace
}  // namespace elbo

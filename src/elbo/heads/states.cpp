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

/// A head over states of the columns of a table that are learned from the training rows: classes
/// and grades as they are; of numbers each value that many rows share, and ranges of as many rows
/// each. Within a range values are as frequent as in its cells, on the grid that all values of the
/// column lie on.
class OverStates : public ReadingHead, public SeesTraining {
 public:
  OverStates(const char* name, const Context& at, const Fineness& fineness) : fineness_(fineness) {
    check_kind(name, at.variable, {Kind::kTable});
    auto space = empty_space(columns_of(at.variable), fineness);
    const std::pair<const char*, Tensor*> parts[] = {
        {"used", &space.used},           {"values", &space.values},
        {"knots", &space.knots},         {"log_inside", &space.log_inside},
        {"cumulated", &space.cumulated}, {"cells", &space.cells},
        {"step", &space.step},           {"origin", &space.origin},
        {"rest", &space.rest},           {"middle", &space.middle},
        {"reach", &space.reach},         {"low", &space.low},
        {"high", &space.high},           {"centres", &space.centres},
        {"spreads", &space.spreads}};
    for (const auto& [part, tensor] : parts) *tensor = register_buffer(part, *tensor);
    frequency_ = register_buffer("frequency", torch::zeros({space.columns(), space.states()}));
    space_ = std::make_shared<const StateSpace>(std::move(space));
  }

  void see(const Dataset& training) override {
    torch::NoGradGuard no_gradient;
    const auto rows = some_of(training, kStateRows);
    for (int64_t j = 0; j < space_->columns(); ++j) {
      const auto known = rows.mask.select(1, j).nonzero().flatten();
      const auto counts =
          learn_states(*space_, j, rows.x.select(1, j).index_select(0, known), fineness_);
      frequency_[j].copy_((counts.clamp_min(1e-3) / counts.sum().clamp_min(1)).log());
    }
  }

 protected:
  std::shared_ptr<const StateSpace> space_;
  Tensor frequency_;  // [D, V] logarithms

 private:
  const Fineness fineness_;
};

/// Features are added to the logarithms of the states' frequencies.
class StatesHead : public OverStates {
 public:
  explicit StatesHead(const Context& at) : OverStates("states", at, kCoarse) {}
  Dist operator()(const Tensor& h) override {
    return std::make_shared<States>(space_, h.view({h.size(0), -1, space_->states()}) + frequency_);
  }
  Shape input() const override { return {space_->columns(), space_->states()}; }
};

/// Features are the states themselves, each range a single cell: the code says all but where in it.
class GivenStatesHead : public OverStates {
 public:
  explicit GivenStatesHead(const Context& at) : OverStates("given_states", at, kFine) {}
  Dist operator()(const Tensor& h) override {
    return std::make_shared<WithinStates>(space_, h, frequency_);
  }
  Shape input() const override { return {space_->columns()}; }
};

const bool states_added = heads().add<StatesOptions>(
    "states", "Columns of a table over states: classes, common values, ranges of the others",
    [](const Context& at, const StatesOptions&) { return std::make_shared<StatesHead>(at); });
const bool given_states_added = heads().add<StatesOptions>(
    "given_states", "Columns of a table whose states, several hundred of each, the code names",
    [](const Context& at, const StatesOptions&) { return std::make_shared<GivenStatesHead>(at); });

}  // namespace
}  // namespace elbo

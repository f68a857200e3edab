#include <sstream>

#include "elbo/eval/diagnose.h"
#include "elbo/nn/layer_watch.h"

namespace elbo {
namespace {

constexpr int64_t kRowsSeen = 512;
constexpr double kMostDead =
    0.9;  // of a layer's units; half is usual where few numbers go into many
constexpr double kMostActivation = 1e5;  // of any unit

/// A layer, and how many of its units give one value whatever the row.
struct LayerState {
  std::string name;
  double dead = 0, units = 0, largest = 0;
  double share() const { return dead / units; }
};

std::vector<LayerState> states_of(Subject& s) {
  LayerWatch watch;
  const int64_t block = block_rows(s.schemas()), rows = std::min(s.size(), kRowsSeen);
  for (int64_t from = 0; from < rows; from += block) {
    s.model().infer(slice(s.batch(), from, std::min(rows, from + block)), 1);
  }
  std::vector<LayerState> states;
  for (const auto& item : s.model().named_modules()) {
    const auto found = watch.layers().find(item.value().get());
    // What reads the same for all rows can only say the same.
    if (found == watch.layers().end() || !found->second.moved) continue;
    const auto& [low, high, moved] = found->second;
    const auto largest = torch::maximum(-low, high).max().item<double>();
    states.push_back({item.key(), (low == high).sum().item<double>(),
                      static_cast<double>(low.numel()), largest});
  }
  return states;
}

}  // namespace

std::vector<Finding> diagnose_units(Subject& s) {
  const auto states = states_of(s);
  std::vector<Finding> findings;
  const auto worst = [&](auto less) {
    return std::max_element(states.begin(), states.end(), less);
  };
  const auto dead = worst([](const auto& a, const auto& b) { return a.share() < b.share(); });
  if (dead != states.end() && dead->share() > kMostDead) {
    std::ostringstream says;
    says << "Dead units: " << dead->dead << " of " << dead->units << " units of " << dead->name
         << " give the same for every row";
    findings.push_back({"dead_units", says.str(), "share of a layer's units", dead->share(),
                        kMostDead,
                        "a smaller --lr, --set encoder.activation=silu --set "
                        "decoder.activation=silu, or a smaller layer"});
  }
  const auto large = worst([](const auto& a, const auto& b) { return a.largest < b.largest; });
  if (large != states.end() && !(large->largest <= kMostActivation)) {
    std::ostringstream says;
    says.precision(3);
    says << "Exploding units: " << large->name << " gives numbers up to " << large->largest;
    findings.push_back({"exploding_units", says.str(), "largest output of a layer", large->largest,
                        kMostActivation, "--clip 1, a smaller --lr, or --set encoder.norm=layer"});
  }
  return findings;
}

}  // namespace elbo

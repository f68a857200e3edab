#include "elbo/distributions/discrete.h"
#include "elbo/heads/parameters.h"

namespace elbo {
namespace {

constexpr double kLowestLogScale = -7, kHighestLogScale = 5;
// Where the network gives 0 the scale is about a tenth of the range, the size of real contrasts.
constexpr double kCentreLogScale = -1.5;

struct DiscretizedLogisticOptions {
  int64_t components = 1;
  bool coupled = false;
  template <class F>
  void fields(F&& f) {
    f("components", components, "number of logistics mixed per pixel", between(1, 100));
    f("coupled", coupled,
      "let a pixel's red move the centres of its green, and both those of its blue: fewer bits");
  }
};

Tensor bounded(const Tensor& h) {
  return (h + kCentreLogScale).clamp(kLowestLogScale, kHighestLogScale);
}

/// A mixture (K > 1, or coupled): the features of a site are K logits, then loc and log scale of
/// each component's channels, then how far channels move each other (Salimans et al. 2017,
/// arXiv:1701.05517). The columns of a vector are sites of one channel.
class DiscretizedLogisticHead : public ReadingHead {
 public:
  DiscretizedLogisticHead(const Context& at, const DiscretizedLogisticOptions& options)
      : shape_(at.variable.shape),
        components_(options.components),
        channels_(shape_.size() > 1 ? shape_[0] : 1),
        pairs_(options.coupled ? channels_ * (channels_ - 1) / 2 : 0) {
    check_kind("discretized_logistic", at.variable, {Kind::kByte});
  }

  Dist operator()(const Tensor& h) override {
    if (plain()) {
      const auto parts = h.chunk(2, 1);
      return std::make_shared<DiscretizedLogistic>(parts[0], Log(bounded(parts[1])));
    }
    const int64_t k = components_, c = channels_, sites = numel(shape_) / c;
    const auto features = h.reshape({h.size(0), k * (1 + 2 * c + pairs_), sites});
    const auto pairs = features.narrow(1, k, 2 * k * c).reshape({h.size(0), k, 2, c, sites});
    // Centres start apart, or the components would stay copies of each other.
    const auto start = torch::linspace(-0.75, 0.75, k, h.options()).view({1, k, 1, 1});
    Tensor coupling;
    if (pairs_ > 0) {
      coupling = features.narrow(1, k * (1 + 2 * c), k * pairs_);
      coupling = coupling.tanh().reshape({h.size(0), k, pairs_, sites});
    }
    return std::make_shared<LogisticMixture>(features.narrow(1, 0, k), pairs.select(2, 0) + start,
                                             Log(bounded(pairs.select(2, 1))), shape_, coupling);
  }

  Shape input() const override {
    if (plain()) return times(2, shape_);
    auto shape = shape_;
    shape[0] = shape_[0] / channels_ * components_ * (1 + 2 * channels_ + pairs_);
    return shape;
  }

 private:
  bool plain() const { return components_ == 1 && pairs_ == 0; }

  Shape shape_;
  int64_t components_, channels_, pairs_;  // pairs of channels that are coupled
};

const bool image_added = heads().add<DiscretizedLogisticOptions>(
    "discretized_logistic", "Bytes: the mass of logistics on 256 levels",
    [](const Context& at, DiscretizedLogisticOptions options) {
      return std::make_shared<DiscretizedLogisticHead>(at, options);
    });

}  // namespace
}  // namespace elbo

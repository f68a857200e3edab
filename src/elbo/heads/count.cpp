#include "elbo/distributions/discrete.h"
#include "elbo/heads/parameters.h"

namespace elbo {
namespace {

struct NegativeBinomialOptions {
  std::string dispersion = "feature";
  template <class F>
  void fields(F&& f) {
    f("dispersion", dispersion,
      "dispersion: feature (one learned per component) or output (from the network)",
      one_of({"feature", "output"}));
  }
};

/// Mean from the network, dispersion learned or from the network.
class NegativeBinomialHead : public ReadingHead {
 public:
  NegativeBinomialHead(const Context& at, const NegativeBinomialOptions& options)
      : shape_(at.variable.shape), output_(options.dispersion == "output") {
    check_kind("negative_binomial", at.variable, {Kind::kCount});
    if (!output_) log_total_ = register_parameter("log_total", torch::zeros(shape_));
  }
  Dist operator()(const Tensor& h) override {
    const auto parts = output_ ? h.chunk(2, 1) : std::vector<Tensor>{h, log_total_};
    return std::make_shared<NegativeBinomial>(
        Log(parts[0].clamp(-kLogRate, kLogRate)),
        Log(parts[1].clamp(kLowestLogTotal, kHighestLogTotal)));
  }
  Shape input() const override { return times(output_ ? 2 : 1, shape_); }

 private:
  Shape shape_;
  bool output_;
  Tensor log_total_;
};

const bool added_poisson = heads().add<NoOptions>(
    "poisson", "Counts whose variance is their mean", [](const Context& at, NoOptions) {
      check_kind("poisson", at.variable, {Kind::kCount});
      return std::make_shared<FeatureHead>(at.variable.shape, 1, [](const std::vector<Tensor>& p) {
        return std::make_shared<Poisson>(Log(p[0].clamp(-kLogRate, kLogRate)));
      });
    });

const bool added_negative_binomial = heads().add<NegativeBinomialOptions>(
    "negative_binomial", "Counts that vary more than a Poisson: words, reads, sales",
    [](const Context& at, NegativeBinomialOptions options) {
      return std::make_shared<NegativeBinomialHead>(at, options);
    });

}  // namespace
}  // namespace elbo

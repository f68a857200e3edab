#include "elbo/core/random.h"
#include "elbo/eval/gradient_noise.h"
#include "elbo/eval/metric.h"

namespace elbo {
namespace {

struct GradientOptions {
  int64_t rows = 50, repeats = 20;
  template <class F>
  void fields(F&& f) {
    f("rows", rows, "rows of the batch whose gradient is drawn again and again",
      between(1, 100000));
    f("repeats", repeats, "draws of the gradient", between(2, 100000));
  }
};

Json figures(const GradientNoise& noise) {
  return {{"variance", noise.variance}, {"square", noise.square}};
}

const bool gradients_added = metrics().add<GradientOptions>(
    "gradient_variance",
    "Variance of the objective's gradient over draws of the codes, and the square of its mean",
    [](const GradientOptions& o) {
      return make_metric({}, [o](Subject& s) -> Json {
        const RandomScope scope(s.options().seed);
        const auto batch = slice(s.batch(), 0, std::min(o.rows, s.size()));
        const auto noise = gradient_noise(s.model(), *s.objective(), batch, o.repeats);
        return {{"inference", figures(noise.inference)},
                {"generative", figures(noise.generative)},
                {"protocol", {{"rows", batch.size()}, {"draws", o.repeats}}}};
      });
    });

}  // namespace
}  // namespace elbo

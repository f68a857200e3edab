#include "elbo/eval/linear.h"
#include "elbo/eval/metric.h"

namespace elbo {
namespace {

struct Probe {
  Tensor x, y, test_x, test_y;
  int64_t classes;
};
/// Codes of training and judged rows, scaled by the training rows' mean and deviation.
Probe probe_of(Subject& s) {
  const auto& known = s.known();
  const Scaling scaled(known.codes);
  const int64_t classes =
      1 + std::max(known.y.max().item<int64_t>(), s.batch().y.max().item<int64_t>());
  return {scaled(known.codes), known.y, scaled(s.codes().mean), s.batch().y, classes};
}

Json result(double accuracy, const Probe& p) {
  return {{"accuracy", accuracy},
          {"protocol", {{"training_rows", p.y.numel()}, {"rows", p.test_y.numel()}}}};
}

const bool linear = metrics().add<NoOptions>(
    "linear_probe", "Accuracy of logistic regression from codes to labels", [](const NoOptions&) {
      return make_metric({"labels", "real code"}, [](Subject& s) {
        const auto p = probe_of(s);
        return result(accuracy(fit_logistic(p.x, p.y, p.classes).predict(p.test_x), p.test_y), p);
      });
    });

const bool nearest = metrics().add<NoOptions>(
    "neighbours", "Accuracy of the commonest label of the 5 nearest codes", [](const NoOptions&) {
      return make_metric({"labels", "real code"}, [](Subject& s) {
        const auto p = probe_of(s);
        return result(accuracy(nearest_classes(p.x, p.y, p.test_x, 5, p.classes), p.test_y), p);
      });
    });

}  // namespace
}  // namespace elbo

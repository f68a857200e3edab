#include "elbo/eval/metric.h"
#include "elbo/eval/sample_distance.h"

namespace elbo {
namespace {

Json protocol(Subject& s) {
  Json how{{"features", s.features().space},
           {"dimensions", s.features().data.size(1)},
           {"rows", s.size()},
           {"samples", s.features().samples.size(0)},
           {"shown", s.shown()},
           {"reference", "the judged rows"}};
  if (s.options().sampling_steps > 0) how["sampling_steps"] = s.options().sampling_steps;
  return how;
}

const bool frechet = metrics().add<NoOptions>(
    "frechet", "Distance between normals fitted to features of data and of samples (FID's formula)",
    [](const NoOptions&) {
      return make_metric({}, [](Subject& s) -> Json {
        const auto& f = s.features();
        return {{"distance", frechet_distance(f.data, f.samples)}, {"protocol", protocol(s)}};
      });
    });

const bool kernel = metrics().add<NoOptions>(
    "kernel", "Cubic-kernel discrepancy between features of data and of samples (KID's formula)",
    [](const NoOptions&) {
      return make_metric({}, [](Subject& s) -> Json {
        const auto& f = s.features();
        return {{"distance", kernel_distance(f.data, f.samples)}, {"protocol", protocol(s)}};
      });
    });

const bool coverage = metrics().add<NoOptions>(
    "coverage", "Precision, recall, density and coverage of samples by nearest neighbours",
    [](const NoOptions&) {
      return make_metric({}, [](Subject& s) -> Json {
        constexpr int64_t kNeighbours = 5;
        const auto& f = s.features();
        const auto c = neighbour_coverage(f.data, f.samples, kNeighbours);
        auto how = protocol(s);
        how["neighbours"] = kNeighbours;
        return {{"precision", c.precision},
                {"recall", c.recall},
                {"density", c.density},
                {"coverage", c.coverage},
                {"protocol", how}};
      });
    });

}  // namespace
}  // namespace elbo

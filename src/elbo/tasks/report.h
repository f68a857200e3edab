#pragma once

#include <memory>
#include <string>
#include <vector>

#include "elbo/train/run.h"

namespace elbo {

struct ReportOptions {
  int64_t rows = 1000;
  int64_t draws = 20;
  int64_t seed = 0;
  std::string metrics = "none";
  template <class F>
  void fields(F&& f) {
    f("rows", rows, "number of rows judged, for maps, figures and diagnosis", between(10, 20000));
    f("draws", draws, "importance samples for log p(x) (0 = only the ELBO)", between(0, 1e6));
    f("seed", seed, "seed of draws", at_least(0));
    f("metrics", metrics, "further metrics: all, or names separated by commas");
  }
};

/// The largest page that is made, in bytes; pictures shrink until it holds them.
constexpr size_t kMostPage = 3 << 20;

/// One self-contained HTML page about a run, or about several side by side: what the model is,
/// figures, diagnosis, curves, pictures, maps of codes. It asks nothing of the network.
std::string report_page(const std::vector<std::shared_ptr<const Run>>& runs,
                        const ReportOptions& options, const std::function<void(double)>& progress);

}  // namespace elbo

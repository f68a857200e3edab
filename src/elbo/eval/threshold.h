#pragma once

#include <string>
#include <vector>

#include "elbo/core/options.h"
#include "elbo/core/tensor.h"

namespace elbo {

/// Where an alarm begins, learned from the scores of normal rows.
struct ThresholdOptions {
  std::string threshold = "auto";
  double false_alarms = 0.01;
  double percentile = 99;
  double margin = 1;
  template <class F>
  void fields(F&& f) {
    f("threshold", threshold,
      "threshold: auto (conformal where there are enough reference rows, else evt, else rate), "
      "conformal, evt, rate, percentile, or a number");
    f("false_alarms", false_alarms, "share of normal rows that may raise a false alarm",
      between(1e-9, 0.5));
    f("percentile", percentile, "percentile of the reference scores (method percentile)",
      between(0, 100));
    f("margin", margin,
      "factor on the threshold's distance above the median normal score (1 = as the method gives)",
      between(0.1, 1000));
  }
};

struct Threshold {
  std::string method;
  double value = 0;
  double promised = 1;   // share of normal rows that may lie above; 1 = nothing is promised
  bool adapted = false;  // moved to where the judged rows lie
};
/// conformal: the false-alarm rate holds for exchangeable rows at any number of them (Vovk et al.
/// 2005); evt: peaks over the highest tenth (Siffer et al. 2017), their tail averaged
/// over what it may be; rate: at most that share of the
/// reference; percentile: of the reference, interpolated. Raises an Error where the reference rows
/// are too few.
Threshold choose_threshold(const Tensor& reference, const ThresholdOptions& options);
/// [N] (1 + how many reference scores are at least as high) / (1 + how many there are).
Tensor conformal_p_values(const Tensor& scores, const Tensor& reference);

}  // namespace elbo

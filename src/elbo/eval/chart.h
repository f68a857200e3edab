#pragma once

#include <string>
#include <vector>

#include "elbo/core/options.h"
#include "elbo/core/tensor.h"

namespace elbo {

/// What a metric shows beside its figures: curves, or bars by name. It goes into the metric's
/// result under "charts", a list of to_json(chart), and the report draws it, whichever metric it is
/// of.
struct Chart {
  enum class Form { kLines, kBars };
  struct Line {
    std::string name;
    std::vector<double> x;  // of curves; bars have names instead
    std::vector<double> y;
  };
  Form form = Form::kLines;
  std::string title;
  std::string x, y;                // of the axes, with their units; x may be empty for bars
  std::vector<std::string> names;  // of bars: one for each y
  std::vector<Line> lines;
};

/// Lists of one line must be of one length. Numbers that are not finite become null.
Json to_json(const Chart& chart);
/// The numbers of a tensor in their order.
std::vector<double> doubles_of(const Tensor& x);
/// Raises an Error where it is not one that to_json() has written.
Chart chart_from_json(const Json& j);

}  // namespace elbo

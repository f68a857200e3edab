#pragma once

#include <functional>
#include <string>
#include <vector>

#include "elbo/core/tensor.h"
#include "elbo/core/text.h"

// Charts as SVG: vector pictures whose marks carry their values (a <title> each). Colours are the
// page's classes s0 … s9.

namespace elbo {

/// A number as people read it: four significant digits.
std::string short_number(double value);

struct Series {
  std::string name;
  std::vector<double> x, y;
  int64_t color = 0;
  bool dashed = false;
};
/// Of more than five values the first, which of a loss is often far off, does not stretch the y
/// axis unless the chart shows all.
std::string line_chart(const std::string& title, const std::string& x_name,
                       std::vector<Series> series, bool all = false);
/// One bar a name; of several series their bars side by side, y alone is read.
std::string bar_chart(const std::string& title, const std::vector<std::string>& names,
                      const std::vector<Series>& series, const std::string& unit);
std::string bar_chart(const std::string& title, const std::vector<std::string>& names,
                      const std::vector<double>& values, const std::string& unit);
/// How a histogram is drawn.
struct HistogramLook {
  std::function<std::string(double)> tick = short_number;  // what stands below the axis
  double ticks = 5;                                        // about how many of them
  bool whole = false;                                      // bins hold whole numbers
};
/// Shares of values in 40 bins, of one or two samples over each other.
std::string histogram(const std::string& title, const std::vector<std::string>& names,
                      const std::vector<Tensor>& samples, const HistogramLook& look = {});
/// points [n, 2]; color [n] int64 numbers of `names`, or undefined.
std::string scatter(const std::string& title, const Tensor& points, const Tensor& color,
                    const std::vector<std::string>& names);
/// [k, k] values in [-1, 1], named at the side and above.
std::string heat_map(const std::string& title, const std::vector<std::string>& names,
                     const Tensor& values);

}  // namespace elbo

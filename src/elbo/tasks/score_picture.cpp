#include "elbo/tasks/score_picture.h"

#include <algorithm>
#include <cmath>

#include "elbo/io/letters.h"
#include "elbo/tasks/chart.h"
#include "elbo/tasks/labelled.h"

namespace elbo {
namespace {

constexpr int64_t kPlotWidth = 1200, kPlotHeight = 420, kPlotLeft = 110, kPlotTop = 20,
                  kPlotBottom = 30;
constexpr int64_t kInk[3] = {40, 80, 160}, kAlarm[3] = {210, 30, 30};

void paint(Tensor& picture, int64_t top, int64_t left, int64_t height, int64_t width,
           const int64_t (&color)[3]) {
  for (int64_t c = 0; c < 3; ++c) {
    picture[c].narrow(0, top, height).narrow(1, left, width).fill_(color[c]);
  }
}

/// Places of values on a vertical axis, the smallest at the bottom.
class ScoreAxis {
 public:
  ScoreAxis(double low, double high) : low_(low), span_(std::max(high - low, 1e-12)) {}
  int64_t at(double value) const {
    if (!std::isfinite(value)) return kPlotTop;
    const double share = std::clamp((value - low_) / span_, 0.0, 1.0);
    return kPlotTop + std::llround((1 - share) *
                                   static_cast<double>(kPlotHeight - kPlotTop - kPlotBottom - 1));
  }

 private:
  double low_, span_;
};

std::pair<double, double> range_of(const std::vector<double>& scores, double threshold) {
  double low = threshold, high = threshold;
  for (const double s : scores) {
    if (!std::isfinite(s)) continue;
    low = std::isfinite(low) ? std::min(low, s) : s;
    high = std::isfinite(high) ? std::max(high, s) : s;
  }
  return {low, high};
}

}  // namespace

Tensor score_plot(const std::vector<double>& scores, double threshold,
                  const std::vector<std::string>& names) {
  auto picture = torch::full({3, kPlotHeight, kPlotWidth}, 255, torch::kUInt8);
  const auto [low, high] = range_of(scores, threshold);
  const ScoreAxis axis(low, high);
  const auto n = static_cast<int64_t>(scores.size());
  const int64_t plot = kPlotWidth - kPlotLeft - 10;
  // Each column of pixels spans the scores that fall into it and the one before.
  for (int64_t x = 0; x < plot; ++x) {
    const int64_t from = std::max<int64_t>(0, x * n / plot - 1);
    const int64_t to = std::max(from + 1, (x + 1) * n / plot);
    const auto begin = scores.begin() + from, end = scores.begin() + std::min(to, n);
    const auto [least, most] = std::minmax_element(begin, end);
    const int64_t top = axis.at(*most), bottom = axis.at(*least);
    paint(picture, top, kPlotLeft + x, bottom - top + 1, 1, kInk);
    if (*most > threshold) {
      const int64_t edge = std::max(top, axis.at(threshold));
      paint(picture, top, kPlotLeft + x, edge - top + 1, 1, kAlarm);
    }
  }
  if (std::isfinite(threshold)) {
    for (int64_t x = 0; x < plot; x += 12)
      paint(picture, axis.at(threshold), kPlotLeft + x, 1, 6, kAlarm);
    write_text(picture, short_number(threshold), axis.at(threshold) - 8, 4, 2, 0);
  }
  const int64_t line = 2 * kLetterHeight;
  for (const double value : {low, high}) {
    const bool hidden = std::isfinite(threshold) && value != threshold &&
                        std::abs(axis.at(value) - axis.at(threshold)) < line;
    if (!hidden && value != threshold) {
      write_text(picture, short_number(value), std::max<int64_t>(0, axis.at(value) - 8), 4, 2, 0);
    }
  }
  const int64_t below = kPlotHeight - kPlotBottom + 8;
  const auto first = names.empty() ? "" : names.front(), last = names.empty() ? "" : names.back();
  write_text(picture, first, below, kPlotLeft, 2);
  const auto wide = static_cast<int64_t>(last.size()) * 2 * kLetterWidth;
  write_text(picture, last, below, std::max(kPlotLeft, kPlotWidth - 10 - wide), 2);
  return picture;
}

Tensor unusual_pictures(const PictureView& view, const Tensor& x, const RowScorer::Causes& causes,
                        const std::vector<std::string>& names) {
  const int64_t n = x.size(0);
  const auto both = view.shades_together(torch::cat({x, causes.expected.to(x.scalar_type())}));
  const auto colors = [&](const Tensor& t) { return t.expand({n, 3, t.size(2), t.size(3)}); };
  const auto data = colors(both.narrow(0, 0, n)), expected = colors(both.narrow(0, n, n));
  const auto excess = causes.excess.to(torch::kFloat32).clamp_min(0).sum(1, true);  // [n, 1, H, W]
  const auto most = excess.amax({1, 2, 3}, true).clamp_min(1e-12);
  const auto heat = excess / most, dim = 0.5 * data.mean(1, true);
  const auto marked = torch::cat({dim + (1 - dim) * heat, dim * (1 - heat), dim * (1 - heat)}, 1);
  const auto tiles = torch::stack({data, expected, marked}, 1).flatten(0, 1);
  return labelled_grid(tiles, 3, {.left = names, .top = {"data", "expected", "unusual"}});
}

}  // namespace elbo

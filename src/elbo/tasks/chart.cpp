#include "elbo/tasks/chart.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <sstream>

namespace elbo {
namespace {

constexpr double kPointRadius = 3, kLoneRadius = 4;
constexpr double kWidth = 480, kHeight = 260, kLeft = 58, kRight = 10, kTop = 30, kBottom = 36;

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void add(double v) {
    if (!std::isfinite(v)) return;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  /// A range of one value, or of none, is widened.
  void finish() {
    if (low > high) low = 0, high = 1;
    if (high - low < 1e-12 * std::max(1.0, std::abs(high))) {
      const double half = std::max(0.5, std::abs(high) * 0.05);
      low -= half;
      high += half;
    }
  }
};

/// Round numbers within a range, about so many.
std::vector<double> ticks(const Range& r, double about = 5) {
  const double raw = (r.high - r.low) / about, power = std::pow(10, std::floor(std::log10(raw)));
  const double step = raw / power < 1.5   ? power
                      : raw / power < 3.5 ? 2 * power
                      : raw / power < 7.5 ? 5 * power
                                          : 10 * power;
  std::vector<double> list;
  for (double t = std::ceil(r.low / step - 1e-9) * step; t <= r.high + 1e-9 * step; t += step) {
    list.push_back(std::abs(t) < 1e-9 * step ? 0 : t);
  }
  return list;
}

/// The first letters of UTF-8 text.
std::string shortened(const std::string& text, size_t most) {
  std::string cut;
  size_t letters = 0;
  for (const char c : text) {
    const bool begins = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    if (begins && letters++ == most) return cut + "…";
    cut += c;
  }
  return cut;
}

std::string pixel(double v) {
  std::ostringstream out;
  out.precision(1);
  out << std::fixed << v;
  return out.str();
}

/// The frame of a chart: scales, axes, grid lines.
class Frame {
 public:
  Frame(const std::string& title, const std::string& described, Range x, Range y,
        double height = kHeight)
      : x_(x), y_(y), height_(height) {
    out_ << "<svg class=\"chart\" viewBox=\"0 0 " << kWidth << ' ' << height
         << "\" role=\"img\" aria-label=\"" << html_escape(title + ": " + described)
         << "\"><text class=\"title\" x=\"" << kLeft << "\" y=\"16\">" << html_escape(title)
         << "</text>";
  }
  double x(double v) const {
    return kLeft + (v - x_.low) / (x_.high - x_.low) * (kWidth - kLeft - kRight);
  }
  double y(double v) const {
    return height_ - kBottom - (v - y_.low) / (y_.high - y_.low) * (height_ - kTop - kBottom);
  }
  /// What lies outside of the range is drawn at its edge.
  double edge(double v) const { return y(std::clamp(v, y_.low, y_.high)); }
  void axes(const std::string& x_name, bool x_ticks = true, const HistogramLook& look = {}) {
    for (const double t : ticks(y_)) {
      out_ << "<line class=\"grid\" x1=\"" << kLeft << "\" x2=\"" << kWidth - kRight << "\" y1=\""
           << pixel(y(t)) << "\" y2=\"" << pixel(y(t)) << "\"/><text class=\"tick end\" x=\""
           << kLeft - 5 << "\" y=\"" << pixel(y(t) + 4) << "\">" << short_number(t) << "</text>";
    }
    if (x_ticks) {
      for (const double t : ticks(x_, look.ticks)) {
        out_ << "<text class=\"tick middle\" x=\"" << pixel(x(t)) << "\" y=\"" << height_ - 20
             << "\">" << html_escape(look.tick(t)) << "</text>";
      }
    }
    out_ << "<text class=\"tick middle\" x=\"" << (kLeft + kWidth - kRight) / 2 << "\" y=\""
         << height_ - 5 << "\">" << html_escape(x_name) << "</text>";
  }
  /// What a bar or a line is, below the axis; long names are cut.
  void name_below(double at_x, const std::string& name, size_t most) {
    const auto cut = shortened(name, most);
    out_ << "<text class=\"tick middle\" x=\"" << pixel(x(at_x)) << "\" y=\"" << height_ - 20
         << "\">" << html_escape(cut) << "</text>";
  }
  /// A value beyond the upper edge.
  void beyond(double at_x, double value) {
    out_ << "<text class=\"tick\" x=\"" << pixel(x(at_x) + 4) << "\" y=\"" << kTop + 10 << "\">↑ "
         << short_number(value) << "</text>";
  }
  /// By a tenth of the axis: the edge of a chart would hide how far.
  bool lies_far_beyond(double value) const { return value > y_.high + 0.1 * (y_.high - y_.low); }
  void mark(double at_x, double at_y, int64_t color, const std::string& text, double radius = 3) {
    out_ << "<circle class=\"s" << color << "\" cx=\"" << pixel(x(at_x)) << "\" cy=\""
         << pixel(edge(at_y)) << "\" r=\"" << radius << "\"><title>" << html_escape(text)
         << "</title></circle>";
  }
  void bar(double from, double to, double value, int64_t color, const std::string& text) {
    const double a = y(0 < y_.low ? y_.low : 0), b = y(value);
    out_ << "<rect class=\"s" << color << "\" x=\"" << pixel(x(from)) << "\" y=\""
         << pixel(std::min(a, b)) << "\" width=\"" << pixel(std::max(0.5, x(to) - x(from)))
         << "\" height=\"" << pixel(std::abs(a - b)) << "\"><title>" << html_escape(text)
         << "</title></rect>";
  }
  void legend(const std::vector<std::pair<std::string, int64_t>>& names,
              bool dashed_second = false) {
    double at = kWidth - kRight;
    for (size_t i = names.size(); i-- > 0;) {
      out_ << "<text class=\"tick end\" x=\"" << at << "\" y=\"16\">" << html_escape(names[i].first)
           << "</text>";
      at -= 7.0 * static_cast<double>(names[i].first.size()) + 6;
      out_ << "<line class=\"key s" << names[i].second << (dashed_second && i == 1 ? " dashed" : "")
           << "\" x1=\"" << at - 14 << "\" x2=\"" << at << "\" y1=\"12\" y2=\"12\"/>";
      at -= 24;
    }
  }
  std::ostringstream& out() { return out_; }
  std::string end() {
    out_ << "</svg>";
    return out_.str();
  }

 private:
  Range x_, y_;
  double height_;
  std::ostringstream out_;
};

/// At most so many points, the last one kept.
Series thinned(const Series& s, size_t most) {
  if (s.x.size() <= most) return s;
  Series few{s.name, {}, {}, s.color, s.dashed};
  for (size_t i = 0; i < most; ++i) {
    const size_t at = (s.x.size() - 1) * i / (most - 1);
    few.x.push_back(s.x[at]);
    few.y.push_back(s.y[at]);
  }
  return few;
}

std::string number_list(const Series& s) {
  std::vector<double> known;
  std::copy_if(s.y.begin(), s.y.end(), std::back_inserter(known),
               [](double v) { return std::isfinite(v); });
  if (known.empty()) return s.name;
  return s.name + " from " + short_number(known.front()) + " to " + short_number(known.back());
}

void draw_line(Frame& frame, const Series& s, const std::string& x_name) {
  std::string path;
  for (size_t i = 0; i < s.x.size(); ++i) {
    if (!std::isfinite(s.y[i])) continue;
    path += (path.empty() ? "M" : "L") + pixel(frame.x(s.x[i])) + ' ' + pixel(frame.edge(s.y[i]));
  }
  frame.out() << "<path class=\"line s" << s.color << (s.dashed ? " dashed" : "") << "\" d=\""
              << path << "\"/><g class=\"points\">";
  const bool alone = s.x.size() == 1;  // a point without a line is seen by itself
  if (!s.y.empty() && frame.lies_far_beyond(s.y[0])) frame.beyond(s.x[0], s.y[0]);
  for (size_t i = 0; i < s.x.size(); ++i) {
    if (!std::isfinite(s.y[i])) continue;
    frame.mark(s.x[i], s.y[i], s.color,
               s.name + ", " + x_name + ' ' + short_number(s.x[i]) + ": " + short_number(s.y[i]),
               alone ? kLoneRadius : kPointRadius);
  }
  frame.out() << "</g>";
}

/// Names with the colours they have in the chart above; a name stays beside its colour.
std::string legend_below(const std::vector<std::pair<std::string, int64_t>>& names) {
  std::string html = "<p class=\"legend\">";
  for (const auto& [name, color] : names) {
    html += "<span class=\"key-of\"><span class=\"chip s" + std::to_string(color) + "\"></span>" +
            html_escape(name) + "</span> ";
  }
  return html + "</p>";
}

}  // namespace

std::string short_number(double value) {
  std::ostringstream out;
  out.precision(std::abs(value) >= 1e4 && std::abs(value) < 1e7 ? 7 : 4);
  out << value;
  return out.str();
}

std::string line_chart(const std::string& title, const std::string& x_name,
                       std::vector<Series> series, bool all) {
  constexpr size_t kMostPoints = 150;
  Range x, y;
  std::string described;
  std::vector<std::pair<std::string, int64_t>> names;
  for (auto& s : series) {
    s = thinned(s, kMostPoints);
    const size_t first = !all && s.y.size() > 5 ? 1 : 0;
    for (size_t i = 0; i < s.y.size(); ++i) {
      x.add(s.x[i]);
      if (i >= first) y.add(s.y[i]);
    }
    described += (described.empty() ? "" : "; ") + number_list(s);
    names.emplace_back(s.name, s.color);
  }
  x.finish();
  y.finish();
  Frame frame(title, described, x, y);
  frame.axes(x_name);
  for (const auto& s : series) draw_line(frame, s, x_name);
  size_t letters = 0;
  for (const auto& [name, color] : names) letters += name.size();
  constexpr size_t kMostInside = 4, kMostLetters = 36;
  if (names.size() <= kMostInside && letters <= kMostLetters) {
    frame.legend(names, series.size() == 2 && series[1].dashed);
    return frame.end();
  }
  return frame.end() + legend_below(names);
}

std::string bar_chart(const std::string& title, const std::vector<std::string>& names,
                      const std::vector<Series>& series, const std::string& unit) {
  Range x{0, static_cast<double>(std::max<size_t>(1, names.size()))}, y;
  y.add(0);
  std::vector<std::pair<std::string, int64_t>> keys;
  for (const auto& s : series) {
    for (const double v : s.y) y.add(v);
    keys.emplace_back(s.name, s.color);
  }
  y.finish();
  const auto bars = std::to_string(names.size()) + " bars up to ";
  Frame frame(title, bars + short_number(y.high) + ' ' + unit, x, y);
  frame.axes(unit, false);
  constexpr size_t kMostNamed = 12;
  for (size_t i = 0; i < names.size() && names.size() <= kMostNamed; ++i) {
    frame.name_below(static_cast<double>(i) + 0.5, names[i], 62 / names.size());
  }
  const double width = 0.8 / static_cast<double>(std::max<size_t>(1, series.size()));
  for (size_t i = 0; i < names.size(); ++i) {
    for (size_t k = 0; k < series.size(); ++k) {
      const auto& s = series[k];
      if (!std::isfinite(s.y[i])) continue;
      const double from = static_cast<double>(i) + 0.1 + width * static_cast<double>(k);
      frame.bar(from, from + width, s.y[i], s.color,
                (s.name.empty() ? "" : s.name + ", ") + names[i] + ": " + short_number(s.y[i]));
    }
  }
  if (series.size() > 1) frame.legend(keys);
  return frame.end();
}

std::string bar_chart(const std::string& title, const std::vector<std::string>& names,
                      const std::vector<double>& values, const std::string& unit) {
  return bar_chart(title, names, {Series{"", {}, values, 0, false}}, unit);
}

std::string histogram(const std::string& title, const std::vector<std::string>& names,
                      const std::vector<Tensor>& samples, const HistogramLook& look) {
  constexpr int64_t kMostBins = 40;
  Range x, y;
  for (const auto& s : samples) {
    if (s.numel() == 0) continue;
    x.add(s.min().item<double>());
    x.add(s.max().item<double>());
  }
  x.finish();
  int64_t bins = kMostBins;
  if (look.whole) {  // as many whole numbers in each
    const double low = std::floor(x.low), each = std::ceil((x.high - low + 1) / kMostBins);
    bins = std::max<int64_t>(1, std::llround(std::ceil((x.high - low + 1) / each)));
    x.low = low - 0.5;
    x.high = x.low + each * static_cast<double>(bins);
  }
  y.add(0);
  std::vector<Tensor> shares;
  for (const auto& s : samples) {
    const auto counts = torch::histc(s.to(torch::kFloat64), bins, x.low, x.high);
    shares.push_back(counts / std::max<double>(1, static_cast<double>(s.numel())));
    y.add(shares.back().max().item<double>());
  }
  y.finish();
  std::string described;
  std::vector<std::pair<std::string, int64_t>> keys;
  for (size_t k = 0; k < samples.size(); ++k) {
    described += (k > 0 ? "; " : "") + names[k] + " with mean " +
                 short_number(samples[k].to(torch::kFloat64).mean().item<double>());
    keys.emplace_back(names[k], static_cast<int64_t>(k));
  }
  Frame frame(title, described, x, y, 200);
  frame.axes("", true, look);
  const double width = (x.high - x.low) / static_cast<double>(bins);
  for (size_t k = 0; k < samples.size(); ++k) {
    for (int64_t i = 0; i < bins; ++i) {
      const double from = x.low + static_cast<double>(i) * width, v = shares[k][i].item<double>();
      if (v == 0) continue;
      frame.bar(from, from + width, v, static_cast<int64_t>(k),
                names[k] + ' ' + look.tick(from) + " to " + look.tick(from + width) + ": " +
                    short_number(100 * v) + " %");
    }
  }
  if (samples.size() > 1) frame.legend(keys);
  return frame.end();
}

std::string scatter(const std::string& title, const Tensor& points_, const Tensor& color,
                    const std::vector<std::string>& names) {
  const auto points = points_.to(torch::kFloat64).contiguous();
  const auto* p = points.data_ptr<double>();
  Range x, y;
  for (int64_t i = 0; i < points.size(0); ++i) {
    x.add(p[2 * i]);
    y.add(p[2 * i + 1]);
  }
  x.finish();
  y.finish();
  Frame frame(
      title,
      std::to_string(points.size(0)) + " rows" + (color.defined() ? " coloured by label" : ""), x,
      y, 420);
  frame.axes("");
  frame.out() << "<g class=\"dots\">";
  for (int64_t i = 0; i < points.size(0); ++i) {
    const int64_t k = color.defined() ? color[i].item<int64_t>() : 0;
    const auto known = k >= 0 && static_cast<size_t>(k) < names.size();
    frame.mark(p[2 * i], p[2 * i + 1], std::max<int64_t>(0, k) % 10,
               "row " + std::to_string(i) + (known ? ": " + names[static_cast<size_t>(k)] : ""),
               2.5);
  }
  frame.out() << "</g>";
  auto svg = frame.end();
  if (!color.defined()) return svg;
  std::vector<std::pair<std::string, int64_t>> keys;
  for (size_t k = 0; k < std::min<size_t>(names.size(), 20); ++k)
    keys.emplace_back(names[k], k % 10);
  return svg + legend_below(keys);
}

std::string heat_map(const std::string& title, const std::vector<std::string>& names,
                     const Tensor& values) {
  constexpr double kSide = 330, kNames = 96, kAbove = 26;
  constexpr size_t kLetters = 14;
  const int64_t k = values.size(0);
  const double cell = kSide / static_cast<double>(k);
  std::ostringstream out;
  out << "<svg class=\"chart\" viewBox=\"0 0 " << kNames + kSide + 8 << ' '
      << kAbove + kSide + kNames << "\" role=\"img\" aria-label=\"" << html_escape(title) << ": "
      << k << " by " << k << " values\"><text class=\"title\" x=\"4\" y=\"16\">"
      << html_escape(title) << "</text>";
  const auto name = [&](int64_t i) { return names[static_cast<size_t>(i)]; };
  for (int64_t i = 0; i < k && cell >= 10; ++i) {
    const double middle = (static_cast<double>(i) + 0.5) * cell;
    const auto label = html_escape(shortened(name(i), kLetters));
    const auto below = pixel(kNames + middle + 4), foot = pixel(kAbove + kSide + 8);
    out << "<text class=\"tick end\" x=\"" << kNames - 6 << "\" y=\"" << pixel(kAbove + middle + 4)
        << "\">" << label << "</text><text class=\"tick end\" x=\"" << below << "\" y=\"" << foot
        << "\" transform=\"rotate(-60 " << below << ' ' << foot << ")\">" << label << "</text>";
  }
  for (int64_t i = 0; i < k; ++i) {
    for (int64_t j = 0; j < k; ++j) {
      const double v = values[i][j].item<double>();
      out << "<rect class=\"" << (v < 0 ? "minus" : "plus") << "\" x=\""
          << pixel(kNames + static_cast<double>(j) * cell) << "\" y=\""
          << pixel(kAbove + static_cast<double>(i) * cell) << "\" width=\"" << pixel(cell)
          << "\" height=\"" << pixel(cell) << "\" fill-opacity=\""
          << short_number(std::min(1.0, std::abs(v))) << "\"><title>" << html_escape(name(i))
          << " and " << html_escape(name(j)) << ": " << short_number(v) << "</title></rect>";
    }
  }
  out << "</svg>";
  return out.str();
}

}  // namespace elbo

#include "elbo/cli/sweep_points.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "elbo/core/text.h"
#include "elbo/train/trainer.h"

namespace elbo {
namespace {

/// At commas outside of brackets.
std::vector<std::string> split_values(const std::string& text) {
  std::vector<std::string> list(1);
  int64_t depth = 0;
  for (const char c : text) {
    depth += c == '[' || c == '{' || c == '(';
    depth -= c == ']' || c == '}' || c == ')';
    if (c == ',' && depth == 0) {
      list.emplace_back();
    } else {
      list.back() += c;
    }
  }
  return list;
}

double end_of(const Axis& axis, size_t i) {
  char* rest = nullptr;
  const double value = std::strtod(axis.values[i].c_str(), &rest);
  check(!axis.values[i].empty() && *rest == '\0' && std::isfinite(value), "[sweep] ", axis.name,
        ": \"", axis.values[i], "\" is not a number; a range is written FROM..TO");
  return value;
}

std::string drawn(const Axis& axis, std::mt19937_64& engine) {
  if (!axis.range) return axis.values[engine() % axis.values.size()];
  const double from = end_of(axis, 0), to = end_of(axis, 1);
  check(from < to, "[sweep] ", axis.name, ": the range ", from, "..", to, " is empty");
  constexpr double kDecade = 10;
  const bool logarithmic = from > 0 && to >= kDecade * from;
  const double share = static_cast<double>(engine() >> 11) * 0x1p-53;
  const double value = logarithmic ? from * std::pow(to / from, share) : from + share * (to - from);
  const bool whole = std::all_of(axis.values.begin(), axis.values.end(), [](const auto& text) {
    return text.find_first_not_of("-0123456789") == std::string::npos;
  });
  return whole ? std::to_string(std::llround(value)) : number_text(value);
}

}  // namespace

Axis parse_axis(const std::string& text) {
  const auto equals = text.find('=');
  check(equals != std::string::npos && equals > 0 && equals + 1 < text.size(), "[sweep] over: \"",
        text, "\": expected NAME=VALUE,VALUE,…, e.g. latent.size=8,16,32");
  Axis axis{text.substr(0, equals), split_values(text.substr(equals + 1)), false};
  const auto dots = axis.values[0].find("..");
  if (axis.values.size() == 1 && dots != std::string::npos) {
    const auto range = axis.values[0];
    axis.values = {range.substr(0, dots), range.substr(dots + 2)};
    axis.range = true;
  }
  for (const auto& value : axis.values) {
    check(!value.empty(), "[sweep] over: \"", text, "\": a value between two commas is missing");
  }
  return axis;
}

std::vector<SweepPoint> grid_points(const std::vector<Axis>& axes) {
  constexpr size_t kMost = 10000;
  std::vector<SweepPoint> points(1);
  for (const auto& axis : axes) {
    check(!axis.range, "[sweep] ", axis.name, ": a range requires --random NUMBER");
    check(points.size() * axis.values.size() <= kMost, "[sweep] more than ", kMost,
          " combinations; use --random NUMBER");
    std::vector<SweepPoint> longer;
    for (const auto& point : points) {
      for (const auto& value : axis.values) {
        longer.push_back(point);
        longer.back().emplace_back(axis.name, value);
      }
    }
    points = std::move(longer);
  }
  return points;
}

std::vector<SweepPoint> random_points(const std::vector<Axis>& axes, int64_t count, int64_t seed) {
  std::mt19937_64 engine(static_cast<uint64_t>(seed));
  std::set<SweepPoint> seen;
  std::vector<SweepPoint> points;
  // A small grid has fewer points than are asked for.
  for (int64_t tries = 0; tries < 100 * count; ++tries) {
    if (static_cast<int64_t>(points.size()) == count) break;
    SweepPoint point;
    for (const auto& axis : axes) point.emplace_back(axis.name, drawn(axis, engine));
    if (seen.insert(point).second) points.push_back(std::move(point));
  }
  return points;
}

std::string folder_name(const SweepPoint& point) {
  std::string name;
  for (const auto& [key, value] : point) {
    name += (name.empty() ? "" : "_") + key + "=" + value;
  }
  for (char& c : name) {
    if (c == '/' || c == ' ' || c == '"') c = '-';
  }
  constexpr size_t kMost = 200;  // file systems allow 255
  return name.substr(0, kMost);
}

std::vector<std::string> train_words(const SweepPoint& point) {
  const auto options = describe<TrainOptions>();
  std::vector<std::string> words;
  for (const auto& [name, value] : point) {
    const bool flag =
        name == "model" || std::any_of(options.begin(), options.end(),
                                       [&n = name](const auto& o) { return o.name == n; });
    auto spelled = name;
    std::replace(spelled.begin(), spelled.end(), '_', '-');
    if (flag) {
      words.push_back("--" + spelled);
      words.push_back(value);
    } else {
      words.push_back("--set");
      words.push_back(name + "=" + value);
    }
  }
  return words;
}

}  // namespace elbo

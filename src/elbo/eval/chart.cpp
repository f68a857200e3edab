#include "elbo/eval/chart.h"

#include <cmath>
#include <limits>

#include "elbo/core/error.h"

namespace elbo {
namespace {

Json finite_numbers(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double v : values) list.push_back(std::isfinite(v) ? Json(v) : Json());
  return list;
}

std::vector<double> chart_numbers(const Json& line, const char* key, size_t count) {
  const auto list = line.value(key, Json::array());
  check(list.is_array() && list.size() == count, "[chart] ", key, ": found ", list.size(),
        " numbers, expected ", count);
  std::vector<double> values;
  for (const auto& v : list) {
    check(v.is_number() || v.is_null(), "[chart] ", key, ": ", v.dump(), " is not a number");
    values.push_back(v.is_null() ? std::numeric_limits<double>::quiet_NaN() : v.get<double>());
  }
  return values;
}

std::string chart_text(const Json& j, const char* key) {
  const auto text = j.value(key, Json(""));
  check(text.is_string(), "[chart] ", key, ": ", text.dump(), " is not a text");
  return text.get<std::string>();
}

}  // namespace

std::vector<double> doubles_of(const Tensor& x) {
  const auto v = x.to(torch::kFloat64).contiguous();
  return {v.data_ptr<double>(), v.data_ptr<double>() + v.numel()};
}

Json to_json(const Chart& chart) {
  const bool bars = chart.form == Chart::Form::kBars;
  Json j{{"form", bars ? "bars" : "lines"}, {"title", chart.title}, {"x", chart.x}, {"y", chart.y}};
  if (bars) j["names"] = chart.names;
  j["series"] = Json::array();
  for (const auto& line : chart.lines) {
    Json one{{"name", line.name}, {"y", finite_numbers(line.y)}};
    if (!bars) one["x"] = finite_numbers(line.x);
    j["series"].push_back(one);
  }
  return j;
}

Chart chart_from_json(const Json& j) {
  check(j.is_object(), "[chart] expected an object, found ", j.dump());
  const auto form = chart_text(j, "form");
  check(form == "lines" || form == "bars", "[chart] form: \"", form, "\"; allowed: bars, lines");
  Chart chart;
  chart.form = form == "bars" ? Chart::Form::kBars : Chart::Form::kLines;
  chart.title = chart_text(j, "title");
  chart.x = chart_text(j, "x");
  chart.y = chart_text(j, "y");
  for (const auto& name : j.value("names", Json::array())) {
    check(name.is_string(), "[chart] names: ", name.dump(), " is not a text");
    chart.names.push_back(name.get<std::string>());
  }
  for (const auto& line : j.value("series", Json::array())) {
    check(line.is_object(), "[chart] series: ", line.dump(), " is not an object");
    Chart::Line one{chart_text(line, "name"), {}, {}};
    if (form == "lines") {
      const size_t count = line.value("x", Json::array()).size();
      one.x = chart_numbers(line, "x", count);
      one.y = chart_numbers(line, "y", count);
    } else {
      one.y = chart_numbers(line, "y", chart.names.size());
    }
    chart.lines.push_back(std::move(one));
  }
  return chart;
}

}  // namespace elbo

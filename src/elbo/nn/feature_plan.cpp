#include "elbo/nn/activation.h"
#include "elbo/nn/picture_features.h"

namespace elbo {
namespace {

constexpr size_t kMostSteps = 1000;
constexpr int64_t kMostFeatures = 8192;

/// Of the network as a whole, its steps beside.
struct FeaturePlanHead {
  int64_t channels = 3;
  std::vector<double> shift, scale;
  template <class F>
  void fields(F&& f) {
    f("channels", channels, "of a picture", between(1, 64));
    f("shift", shift, "taken from each channel first");
    f("scale", scale, "that each channel is divided by then");
  }
};

std::string step_where(const std::string& where, size_t i) {
  return where + ": step " + std::to_string(i);
}

void check_padding(const FeatureStep& step, const std::string& where) {
  check(step.padding.empty() || step.padding.size() == 4, "[", where, "] padding: found ",
        to_string(step.padding), ", expected [top, left, bottom, right]");
  for (const int64_t p : step.padding) {
    check(p >= 0 && p < step.kernel, "[", where, "] padding: found ", p, ", must be 0 to ",
          step.kernel - 1, " beside a kernel of ", step.kernel);
  }
}

/// Channels that a step makes of those it reads.
int64_t width_of(const FeatureStep& step, const std::vector<int64_t>& read,
                 const std::string& where) {
  const bool one = step.type == "convolution" || step.type == "max_pool";
  check(one ? read.size() == 1 : read.size() > 1, "[", where, "] of: a step ", step.type, " reads ",
        one ? "one step" : "two or more", ", found ", read.size());
  if (step.type == "max_pool") return read[0];
  if (step.type == "convolution") {
    check(step.channels > 0, "[", where, "] channels: a convolution needs some");
    check(read[0] % step.groups == 0 && step.channels % step.groups == 0, "[", where,
          "] groups: found ", step.groups, ", must divide ", read[0], " and ", step.channels);
    return step.channels;
  }
  if (step.type == "concatenation") {
    int64_t sum = 0;
    for (const int64_t width : read) sum += width;
    check(sum <= kMostFeatures, "[", where, "] of: ", sum, " channels, at most ", kMostFeatures);
    return sum;
  }
  for (const int64_t width : read) {
    check(width == read[0], "[", where, "] of: a sum of ", read[0], " and ", width, " channels");
  }
  return read[0];
}

}  // namespace

FeaturePlan FeaturePlan::read(const Json& j, const std::string& where) {
  check(j.is_object() && j.contains("steps") && j["steps"].is_array(), "[", where,
        "] needs an object with a list of steps");
  auto rest = j;
  rest.erase("steps");
  const auto head = read_options<FeaturePlanHead>(rest, where);
  FeaturePlan plan{head.channels, head.shift, head.scale, {}};
  check(j["steps"].size() <= kMostSteps, "[", where, "] ", j["steps"].size(), " steps, at most ",
        kMostSteps);
  for (const auto& step : j["steps"]) {
    const auto here = step_where(where, plan.steps.size() + 1);
    plan.steps.push_back(read_options<FeatureStep>(step, here));
  }
  plan.widths(where);
  return plan;
}

Json FeaturePlan::write() const {
  auto j = write_options(FeaturePlanHead{channels, shift, scale});
  j["steps"] = Json::array();
  for (const auto& step : steps) j["steps"].push_back(write_options(step));
  return j;
}

std::vector<int64_t> FeaturePlan::read_by(size_t i) const {
  const auto& of = steps[i - 1].of;
  return of.empty() ? std::vector<int64_t>{static_cast<int64_t>(i) - 1} : of;
}

std::vector<int64_t> FeaturePlan::widths(const std::string& where) const {
  for (const auto* numbers : {&shift, &scale}) {
    check(static_cast<int64_t>(numbers->size()) == channels, "[", where,
          "] shift and scale: need a number a channel, ", channels);
  }
  for (const double s : scale) check(s != 0, "[", where, "] scale: found 0");
  std::vector<int64_t> made{channels};
  bool compared = false;
  for (size_t i = 1; i <= steps.size(); ++i) {
    const auto& step = steps[i - 1];
    const auto here = step_where(where, i);
    check(activation_named(step.activation) != Activation::kGated, "[", here,
          "] activation: gated halves channels, which no step here does");
    check_padding(step, here);
    std::vector<int64_t> read;
    for (const int64_t from : read_by(i)) {
      check(from >= 0 && from < static_cast<int64_t>(i), "[", here, "] of: found ", from,
            ", must be 0 to ", i - 1);
      read.push_back(made[static_cast<size_t>(from)]);
    }
    made.push_back(width_of(step, read, here));
    compared = compared || step.compared;
  }
  check(compared, "[", where, "] no step is compared");
  return made;
}

Shape FeaturePlan::weight(size_t i, const std::vector<int64_t>& widths) const {
  const auto& step = steps[i - 1];
  const auto in = widths[static_cast<size_t>(read_by(i)[0])];
  return {step.channels, in / step.groups, step.kernel, step.kernel};
}

}  // namespace elbo

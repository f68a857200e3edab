#include <array>
#include <cmath>

#include "elbo/data/builtin.h"
#include "elbo/data/open.h"
#include "elbo/data/reader.h"
#include "elbo/data/windows.h"

namespace elbo {
namespace {

// A pump: its load follows a cycle and wanders a little, all that is measured follows the load.
enum Channel { kLoad, kTemperature, kCurrent, kVibration, kFlow, kPressure, kChannels };
const std::vector<std::string> kNames = {"load",      "temperature", "current",
                                         "vibration", "flow",        "pressure"};
const std::vector<std::string> kClasses = {"normal", "stuck temperature", "shaken",
                                           "leak",   "current offset",    "pressure sign"};
constexpr int64_t kTrain = 4000, kTest = 4000;
constexpr int64_t kBetween = 160, kShortest = 20, kLongest = 60;  // of faults, in steps
constexpr double kPi = 3.14159265358979323846;

using Step = std::array<double, kChannels>;

/// A fault may hide within the range of each column and show in what the columns say together.
struct Fault {
  int64_t begin = 0, length = 0, kind = 0;
  bool at(int64_t t) const { return t >= begin && t < begin + length; }
};

Fault fault_number(int64_t i, uint64_t key) {
  const auto spread = static_cast<double>(kLongest - kShortest);
  const auto u = [&](uint64_t k) { return uniform_at(key, static_cast<uint64_t>(i) * 2 + k); };
  Fault fault;
  fault.length = kShortest + static_cast<int64_t>(spread * u(0));
  fault.begin = i * kBetween + 40 + static_cast<int64_t>(u(1) * 50);
  fault.kind = 1 + i % static_cast<int64_t>(kClasses.size() - 1);
  return fault;
}

void apply(const Fault& fault, int64_t t, double held_temperature, Step& step) {
  const double share = static_cast<double>(t - fault.begin + 1) / static_cast<double>(fault.length);
  if (fault.kind == 1) step[kTemperature] = held_temperature;
  if (fault.kind == 2) step[kVibration] += 0.6;
  if (fault.kind == 3) step[kFlow] *= 1 - 0.4 * share;
  if (fault.kind == 4) step[kCurrent] += 0.5;
  if (fault.kind == 5) step[kPressure] = 3 - step[kPressure];
}

Data make_telemetry(const MadePart& part) {
  const bool faulty = part.split == "test";
  Steps steps;
  steps.values = torch::empty({part.rows, kChannels});
  steps.labels = torch::zeros({part.rows}, torch::kInt64);
  double wander = 0, temperature = 50, held = temperature;
  auto values = steps.values.accessor<float, 2>();
  for (int64_t t = 0; t < part.rows; ++t) {
    const auto noise = [&](int64_t k) {
      return normal_at(part.stream, static_cast<uint64_t>(t * kChannels + k));
    };
    wander = 0.95 * wander + 0.03 * noise(0);
    const double load = 0.6 + 0.3 * std::sin(2 * kPi * static_cast<double>(t) / 200) + wander;
    temperature += (30 + 40 * load - temperature) / 20 + 0.1 * noise(1);
    Step step;
    step[kLoad] = load;
    step[kTemperature] = temperature;
    step[kCurrent] = 1 + 2 * load + 0.05 * noise(2);
    step[kVibration] = 0.2 + 0.3 * load * load + 0.03 * noise(3);
    step[kFlow] = 10 * load / (0.5 + load) + 0.1 * noise(4);
    step[kPressure] = 1 + step[kFlow] / 10 + 0.03 * noise(5);
    const auto fault = fault_number(t / kBetween, part.stream + 1);
    if (t == fault.begin) held = temperature;
    if (faulty && fault.at(t)) {
      apply(fault, t, held, step);
      steps.labels[t] = fault.kind;
    }
    for (int64_t k = 0; k < kChannels; ++k) {
      values[t][k] = static_cast<float>(step[static_cast<size_t>(k)]);
    }
    steps.names.push_back(std::to_string(t));
  }
  Schemas schemas;
  schemas.x = real_schema(steps.values);
  schemas.x.detail["columns"] = kNames;
  schemas.y = category_schema(kClasses);
  return windows(std::move(steps), 1, 1, schemas);
}

const bool builtin_telemetry_added = builtins().add<NoOptions>(
    "telemetry", "steps of a pump's six sensors; the test part has labelled faults",
    [](const DataOptions& options, NoOptions) {
      refuse_resize(options, "telemetry");
      return make_parts("telemetry", options, kTrain, kTest, make_telemetry);
    });

}  // namespace
}  // namespace elbo

#include "elbo/cli/training_profile.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "elbo/cli/table.h"
#include "elbo/host/cpu.h"

namespace elbo {
namespace {

constexpr int64_t kFirstSteps = 5;
constexpr double kLeastShare = 0.002;  // of a step; what takes less is one line

double rounded(double value) { return std::round(10 * value) / 10; }

Json per_second(double amount, double seconds) {
  return amount > 0 && seconds > 0 ? Json(rounded(1e-9 * amount / seconds)) : Json();
}

Json operation_json(const Profile::Line& line, double steps, double step_seconds, double peak) {
  const double rate = line.seconds > 0 ? 1e-9 * line.work.flops / line.seconds : 0;
  Json j{{"operation", line.what},
         {"layer", line.layer},
         {"aside", line.aside},
         {"calls", rounded(static_cast<double>(line.calls) / steps)},
         {"us", rounded(1e6 * line.seconds / steps)},
         {"share", line.seconds / steps / step_seconds},
         {"gflops", per_second(line.work.flops, line.seconds)},
         {"peak", nullptr},
         {"gigabytes_per_second", per_second(line.work.bytes, line.seconds)}};
  if (rate > 0 && peak > 0) j["peak"] = rate / peak;
  return j;
}

std::string with_digits(const Json& number, int digits) {
  if (number.is_null()) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, number.get<double>());
  return text;
}

std::string percent(const Json& share) {
  if (share.is_null()) return "-";
  return std::to_string(std::lround(100 * share.get<double>())) + "%";
}

std::string title(const Json& line) {
  const auto layer = line["layer"].get<std::string>(), what = line["operation"].get<std::string>();
  return (layer.empty() ? what : layer + ": " + what) +
         (line["aside"].get<bool>() ? " (second thread)" : "");
}

}  // namespace

void TrainingProfile::stepped() {
  if (++steps_ == kFirstSteps) profile_.clear();
}

Json TrainingProfile::report() const {
  const auto lines = profile_.lines();
  const auto steps = static_cast<double>(steps_ > kFirstSteps ? steps_ - kFirstSteps : steps_);
  const auto cpu = cpu_report(/*measure=*/true);
  double seconds = 0;
  for (const auto& line : lines) seconds += line.aside ? 0 : line.seconds;
  Json report{{"steps", steps},
              {"threads", at::get_num_threads()},
              {"cores", cpu.cores},
              {"gflops", rounded(cpu.gflops)},
              {"step_us", steps > 0 ? rounded(1e6 * seconds / steps) : 0},
              {"operations", Json::array()}};
  for (const auto& line : lines) {
    report["operations"].push_back(operation_json(line, steps, seconds / steps, cpu.gflops));
  }
  return report;
}

std::string profile_text(const Json& report) {
  constexpr size_t kColumns = 80;
  TextTable table({"operation", "calls", "us/step", "share", "GFLOP/s", "of peak", "GB/s"});
  double others = 0, other_calls = 0, other_share = 0;
  for (const auto& line : report["operations"]) {
    if (line["share"].get<double>() < kLeastShare) {
      others += line["us"].get<double>();
      other_share += line["share"].get<double>();
      other_calls += line["calls"].get<double>();
      continue;
    }
    table.add({title(line), with_digits(line["calls"], 1), with_digits(line["us"], 1),
               percent(line["share"]), with_digits(line["gflops"], 0), percent(line["peak"]),
               with_digits(line["gigabytes_per_second"], 0)});
  }
  if (other_calls > 0) {
    table.add({"all others", with_digits(other_calls, 1), with_digits(others, 1),
               percent(other_share), "-", "-", "-"});
  }
  std::string head = "a step takes " + with_digits(report["step_us"], 0) + " us: mean of " +
                     std::to_string(report["steps"].get<int64_t>()) + " steps, " +
                     report["threads"].dump() + " of " + report["cores"].dump() +
                     " cores; peak: " + with_digits(report["gflops"], 0) + " GFLOP/s";
  return wrapped(head, kColumns - 1, 2) + "\n" + table.text(kColumns - 1);
}

}  // namespace elbo

#include "elbo/cli/sum_trace.h"

#include <algorithm>

#include "elbo/core/error.h"
#include "elbo/group/group.h"
#include "elbo/io/file.h"

namespace elbo {
namespace {

constexpr size_t kKept = 50;
constexpr int64_t kWarmUp = 2;

double seconds_of(const std::vector<GradientSum::Event>& events) {
  double begin = 1e300, end = 0;
  for (const auto& e : events) {
    begin = std::min(begin, e.began);
    end = std::max(end, e.ended);
  }
  return events.empty() ? 0 : end - begin;
}

Json span(const std::string& name, int row, double from, double to, Json about) {
  return {{"name", name},
          {"ph", "X"},
          {"pid", 0},
          {"tid", row},
          {"ts", from},
          {"dur", to - from},
          {"args", std::move(about)}};
}

}  // namespace

void SumTrace::add(const GradientSum& sums) {
  last_.push_back({sums.events(), sums.backward_seconds()});
  if (last_.size() > kKept) last_.pop_front();
  if (++steps_ <= kWarmUp) return;
  seconds_ += seconds_of(sums.events());
  backward_ += sums.backward_seconds();
  hidden_ += hidden_share(sums.events(), sums.backward_seconds());
}

Json SumTrace::summary() const {
  const auto counted = static_cast<double>(std::max<int64_t>(1, steps_ - kWarmUp));
  int64_t bytes = 0;
  if (!last_.empty()) {
    for (const auto& e : last_.back().events) bytes += e.bytes;
  }
  return {{"processes", group_size()},
          {"sum_bytes", bytes},
          {"sum_ms", 1e3 * seconds_ / counted},
          {"backward_ms", 1e3 * backward_ / counted},
          {"sum_hidden", hidden_ / counted}};
}

void SumTrace::write(const std::string& path) const {
  check(!last_.empty(), "[trace] ", path,
        ": a single process sums no gradients; start several with --nproc or a launcher");
  Json events = Json::array();
  double start = 0;  // microseconds; steps follow each other without what lies between them
  for (const auto& step : last_) {
    events.push_back(span("backward", 0, start, start + 1e6 * step.backward, Json::object()));
    double end = step.backward;
    for (const auto& e : step.events) {
      events.push_back(
          span("sum", 1, start + 1e6 * e.began, start + 1e6 * e.ended, {{"bytes", e.bytes}}));
      end = std::max(end, e.ended);
    }
    start += 1e6 * end;
  }
  write_file_atomic(path, Json{{"traceEvents", events}}.dump() + "\n");
}

}  // namespace elbo

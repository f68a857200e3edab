#include <algorithm>
#include <sstream>

#include "elbo/data/series_file.h"

namespace elbo {
namespace {

constexpr double kHour = 3600, kSeason = 120 * 86400.0;

/// The pause that is usual between two moments; 0 where all times are one.
double usual_pause(const RawSeries& raw) {
  std::vector<double> pauses;
  const std::vector<int64_t>& begins = raw.begins;
  for (size_t i = 1; i < raw.seconds.size(); ++i) {
    const double pause = raw.seconds[i] - raw.seconds[i - 1];
    const bool within = !std::binary_search(begins.begin(), begins.end(), static_cast<int64_t>(i));
    if (within && pause > 0) pauses.push_back(pause);
  }
  if (pauses.empty()) return 0;
  const auto middle = pauses.begin() + static_cast<int64_t>(pauses.size() / 2);
  std::nth_element(pauses.begin(), middle, pauses.end());
  return *middle;
}

/// Local time goes back by an hour in autumn, and on by one in spring: at most once a season.
class Clock {
 public:
  explicit Clock(double usual) : usual_(usual) {}
  void restart() {
    shift_ = 0;
    last_ = -kSeason * 100;
  }
  /// What to add to the time of a step, whose time as written comes `pause` after the one before.
  double shift(double now, double pause) {
    if (usual_ <= 0 || now - last_ < kSeason) return shift_;
    const auto usual_after = [&](double change) {
      return std::abs(pause + change - usual_) <= 0.01 * usual_;
    };
    if (pause <= 0 && usual_after(kHour)) {
      shift_ += kHour;
      ++set_back_;
      last_ = now;
    } else if (shift_ > 0 && usual_after(-kHour)) {
      shift_ -= kHour;
      last_ = now;
    }
    return shift_;
  }
  int64_t set_back() const { return set_back_; }

 private:
  double usual_, shift_ = 0, last_ = -kSeason * 100;
  int64_t set_back_ = 0;
};

std::string counted(int64_t n, const std::string& one, const std::string& many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

}  // namespace

void find_gaps(RawSeries& raw, double gap, const std::string& path) {
  auto& t = raw.seconds;
  if (t.size() < 3) return;
  const double usual = usual_pause(raw);
  const auto entities = raw.begins;
  Clock clock(usual);
  double longest = 0, before = t[0];
  int64_t gaps = 0, together = 0;
  std::vector<int64_t> begins = {0};
  for (size_t i = 1; i < t.size(); ++i) {
    const double written = t[i];
    const bool entity =
        std::binary_search(entities.begin(), entities.end(), static_cast<int64_t>(i));
    if (entity) {
      clock.restart();
      begins.push_back(static_cast<int64_t>(i));
      before = written;
      continue;
    }
    t[i] += clock.shift(written, written - before);
    before = written;
    const double pause = t[i] - t[i - 1];
    check(pause >= 0, "[series] ", path, ": step ", i + 1, " (", raw.names[i],
          ") is earlier than the one before (", raw.names[i - 1],
          "); sort the rows by time, or name the column that tells several series apart by "
          "--entity COLUMN");
    together += pause == 0;
    if (usual <= 0 || pause <= gap * usual) continue;
    begins.push_back(static_cast<int64_t>(i));
    ++gaps;
    longest = std::max(longest, pause);
  }
  raw.begins = std::move(begins);
  std::ostringstream note;
  if (gaps > 0) {
    note << counted(gaps, "gap", "gaps") << " in time, the longest of " << longest << " s where "
         << usual << " s are usual";
    raw.notes.push_back(note.str());
  }
  if (clock.set_back() > 0) {
    raw.notes.push_back("clocks set back by an hour (end of daylight saving) " +
                        counted(clock.set_back(), "time", "times") + ": time goes on there");
  }
  if (together > 0) {
    raw.notes.push_back(counted(together, "step has", "steps have") +
                        " the same time as the one before; --entity COLUMN keeps several series "
                        "apart");
  }
}

}  // namespace elbo

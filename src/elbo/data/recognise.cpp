#include "elbo/data/recognise.h"

#include <algorithm>
#include <cmath>

#include "elbo/data/named_reader.h"
#include "elbo/data/series_file.h"
#include "elbo/io/file.h"

namespace elbo {
namespace {

constexpr int64_t kLeastSteps = 50, kLook = 2000;

/// Pauses between neighbours, which entities do not share.
std::vector<double> pauses_of(const RawSeries& raw) {
  std::vector<double> pauses;
  for (size_t t = 1; t < raw.seconds.size(); ++t) {
    const auto step = static_cast<int64_t>(t);
    if (std::binary_search(raw.begins.begin(), raw.begins.end(), step)) continue;
    pauses.push_back(raw.seconds[t] - raw.seconds[t - 1]);
  }
  return pauses;
}

/// Whether most pauses are the usual one: somebody measures by a clock.
bool regular(std::vector<double> pauses) {
  const auto middle = pauses.begin() + static_cast<int64_t>(pauses.size() / 2);
  std::nth_element(pauses.begin(), middle, pauses.end());
  const double usual = *middle;
  const auto near = std::count_if(pauses.begin(), pauses.end(), [&](double pause) {
    return std::abs(pause - usual) <= 0.1 * usual;
  });
  return usual > 0 && near >= static_cast<int64_t>(0.6 * static_cast<double>(pauses.size()));
}

bool only_rises(const Tensor& x) { return (x.diff() >= 0).all().item<bool>(); }

/// Correlation of a column with itself a step later. x: [T] without missing cells.
double likeness_of_neighbours(const Tensor& x) {
  const auto centred = x - x.mean();
  const int64_t n = x.size(0) - 1;
  const double all = centred.square().sum().item<double>();
  return all > 0 ? (centred.narrow(0, 0, n) * centred.narrow(0, 1, n)).sum().item<double>() / all
                 : 0;
}

/// Whether half of the columns are like themselves a step before; a table's rows are not, in
/// whatever order they stand. Columns that only rise (numbers of orders) say nothing.
bool goes_on(const RawSeries& raw) {
  constexpr double kAlike = 0.5;
  int64_t alike = 0, asked = 0;
  for (int64_t c = 0; c < raw.values.size(1); ++c) {
    auto x = raw.values.select(1, c);
    x = x.masked_select(x.isfinite());
    if (x.size(0) < kLeastSteps || only_rises(x)) continue;
    ++asked;
    alike += likeness_of_neighbours(x) >= kAlike;
  }
  return alike > 0 && 2 * alike >= asked;
}

bool is_log(RawSeries raw, double gap, const std::string& path) {
  const auto pauses = pauses_of(raw);
  const auto steps = static_cast<int64_t>(pauses.size());
  const auto words = static_cast<int64_t>(raw.roles.states.size());
  const bool numbers = raw.other_times == 0 && 2 * words <= raw.values.size(1);
  if (raw.seconds.empty() || steps < kLeastSteps || !numbers) return false;
  const auto together = std::count(pauses.begin(), pauses.end(), 0.0);
  constexpr int64_t kRarely = 20;
  if (kRarely * together > steps || !(regular(pauses) || goes_on(raw))) return false;
  find_gaps(raw, gap, path);  // an Error where time goes back
  return true;
}

bool asks_for_table(const DataOptions& options, const SeriesOptions& o) {
  return !o.table.empty() || !o.query.empty() || !o.weight.empty() || options.split != "train" ||
         options.condition != "none" || options.labels_per_class > 0 || !options.labels.empty() ||
         !options.without.empty();
}

bool reads_as_log(const std::string& path, const DataOptions& options) {
  try {
    const auto o = read_options<SeriesOptions>(options.reader, "series");
    if (asks_for_table(options, o)) return false;
    const int64_t most = options.rows > 0 ? std::min(options.rows, kLook) : kLook;
    return is_log(read_series_text(path, o, most, nullptr), o.gap, path) &&
           is_log(read_series_text(path, o, options.rows, nullptr), o.gap, path);
  } catch (const Error&) {
    return false;  // cells that no series has: a table's reader judges them
  }
}

}  // namespace

Recognised recognised(const std::string& text, const DataOptions& options) {
  const auto found = named_reader(text);
  if (found.named || found.name != "table" || options.like || found.path == "-") return {text, ""};
  if (!reads_as_log(found.path, options)) return {text, ""};
  return {"series:" + text, text + ": numbers over time, read as a series (table:" + text +
                                " reads rows in no order)"};
}

}  // namespace elbo

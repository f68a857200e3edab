#include "elbo/tasks/score_drift.h"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "elbo/data/components.h"

namespace elbo {
namespace {

constexpr int64_t kDriftNumbers = 1 << 24;  // by which drift is found

/// Rows that differ from training in a small part look like anomalies, unless labels tell.
std::string many_alarms(const DriftWatch::Judged& all, const Threshold& threshold) {
  int64_t rows = 0, alarms = 0;
  for (size_t i = 0; i < all.scores.size(); ++i) {
    if (all.labels[i] == 1) continue;
    ++rows;
    alarms += all.scores[i] > threshold.value;
  }
  if (!more_than_promised(alarms, rows, threshold.promised)) return "";
  const bool normal = std::count(all.labels.begin(), all.labels.end(), 0) == rows;
  std::ostringstream text;
  text << std::setprecision(2) << "alarms in "
       << 100 * static_cast<double>(alarms) / static_cast<double>(rows) << " % of the "
       << (normal ? "normal rows" : "rows") << ", where " << 100 * threshold.promised
       << " % of normal ones would raise one: "
       << (normal ? "these are of a kind that training has not seen (drift)"
                  : "anomalies, or normal rows of a kind that training has not seen (drift)");
  return text.str();
}

}  // namespace

Batch rows_over_all(const Dataset& data, const Draw& draw) {
  constexpr int64_t kMost = 500;
  const int64_t n = std::min(kMost, data.size());
  const auto rows = torch::arange(n, torch::kInt64).mul(data.size()).floor_divide(n);
  return data.get(rows, draw);
}

DriftWatch::DriftWatch(const Dataset& data, const RowScorer& scorer, const ColumnLevels& levels,
                       const Draw& draw)
    : data_(data),
      scorer_(scorer),
      levels_(levels),
      draw_(draw),
      by_column_(levels.count.defined() && has_levels(data)),
      stride_(1 + data.size() * (by_column_ ? levels.count.numel() : 1) / kDriftNumbers) {}

void DriftWatch::add(const Batch& batch, const RowScorer::Judged& judged, int64_t first) {
  const auto from = std::min((stride_ - first % stride_) % stride_, batch.size());
  parts_.push_back(judged.parts.slice(0, from, {}, stride_));
  if (by_column_) numbers_.push_back(observed(batch).slice(0, from, {}, stride_));
}

std::string DriftWatch::note(const Judged& all, const Tensor& reference,
                             const Threshold& threshold) const {
  if (all.scores.empty()) return "";
  const auto found = drift(all, reference);
  if (found.empty()) return many_alarms(all, threshold);
  return "drift" + found + "; " +
         (threshold.adapted ? "--adapt has moved the threshold"
                            : "the promised rate of false alarms may not hold (--adapt moves the "
                              "threshold, a new training is better)");
}

/// By the scores, by single columns, or by what the scores are made of; "" = none.
std::string DriftWatch::drift(const Judged& all, const Tensor& reference) const {
  const auto scores = torch::tensor(all.scores, torch::kFloat64).unsqueeze(1);
  const auto by_score = find_drift(scores, ColumnLevels::of(reference.unsqueeze(1)));
  if (by_score.found && by_score.above) {
    return ", or many anomalies: " + by_score.now_text() + " score higher than all but " +
           by_score.usual_text() + " of the normal ones" + most_in();
  }
  if (by_column_) {
    if (const auto in = find_drift(torch::cat(numbers_), levels_); in.found) {
      const auto names = components_of(data_.schemas().x);
      return ": " + names->name(in.column) + (in.above ? " is above " : " is below ") +
             names->value(in.column, in.at) + " in " + in.now_text() + ", in " + in.usual_text() +
             " of the training rows";
    }
  }
  const auto by_part = find_drift(torch::cat(parts_), ColumnLevels::of(scorer_.reference_parts()));
  const auto& found = by_part.found ? by_part : by_score;
  if (!found.found) return "";
  return ": " + found.now_text() + " lie where " + found.usual_text() + " of the normal ones do" +
         most_in();
}

/// Where the rows exceed what is usual most.
std::string DriftWatch::most_in() const {
  const auto excess = scorer_.causes(rows_over_all(data_, draw_)).excess.flatten(1).mean(0);
  return ", most in " + components_of(data_.schemas().x)->name(excess.argmax().item<int64_t>());
}

}  // namespace elbo

#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "elbo/data/column_types.h"
#include "elbo/data/times.h"

namespace elbo {

/// One column of a series as its cells come: numbers, words, or texts where it may be the time.
class SeriesColumn {
 public:
  void add_missing(int64_t line);
  /// A cell that is not missing; `comma`: numbers may have a decimal comma.
  void add(std::string_view cell, bool comma, int64_t line);

  int64_t size() const { return static_cast<int64_t>(numbers_.size()); }
  double number(int64_t step) const { return numbers_[static_cast<size_t>(step)]; }
  const std::vector<double>& numbers() const { return numbers_; }
  /// The cell's text: a word, a time, or the shortest spelling of its number; empty = missing.
  std::string text(int64_t step) const;
  /// The word's place in words(); -1 for numbers and missing cells.
  int64_t word(int64_t step) const {
    return words_at_.empty() ? -1 : words_at_[static_cast<size_t>(step)];
  }
  /// All words, in the order in which they came first.
  const std::vector<std::string>& words() const { return words_; }
  int64_t first_word_line() const { return first_word_line_; }
  int64_t first_missing_line() const { return first_missing_line_; }
  int64_t seen() const { return seen_; }
  bool all_words() const { return seen_ > 0 && worded_ == seen_; }
  bool all_numbers() const { return worded_ == 0; }
  const TimeEvidence& times() const { return times_; }

  /// For each step whether its value is another than the one before; the first is.
  std::vector<bool> runs() const;
  /// Whether the value of a run never comes again, and there are at least two runs.
  bool in_runs() const;
  /// Whether it counts steps: up by one each time, or back to where it began. Where it goes back
  /// goes to `restarts`.
  bool counts(std::vector<int64_t>* restarts) const;

 private:
  int64_t id(int64_t step) const;
  int64_t place_of(std::string_view word);
  void keep_words();

  std::vector<double> numbers_;
  std::vector<int64_t> words_at_;
  std::vector<std::string> words_, texts_;
  std::unordered_map<std::string, int64_t, TextHash, std::equal_to<>> index_;
  TimeEvidence times_;
  bool maybe_time_ = true;
  int64_t seen_ = 0, worded_ = 0, first_word_line_ = 0, first_missing_line_ = 0;
};

/// Whether a column's name says that it is a part of the time that names no machine: a day.
bool names_calendar(const std::string& name);
/// How a column of times is spelled: as `given` ("dmy") or by all its cells, of two orders the one
/// in which time goes on. Raises an Error where no order fits, or nothing decides between two.
TimeOrder time_order_of(const SeriesColumn& column, const std::string& given,
                        const std::string& path, const std::string& name);

}  // namespace elbo

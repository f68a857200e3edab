#include "elbo/data/series_column.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_set>

namespace elbo {

void SeriesColumn::add_missing(int64_t line) {
  if (first_missing_line_ == 0) first_missing_line_ = line;
  numbers_.push_back(std::numeric_limits<double>::quiet_NaN());
  if (!words_at_.empty()) words_at_.push_back(-1);
  if (maybe_time_) texts_.emplace_back();
}

void SeriesColumn::add(std::string_view cell, bool comma, int64_t line) {
  ++seen_;
  if (maybe_time_) {
    times_.add(cell);
    texts_.emplace_back(cell);
    maybe_time_ = times_.order().has_value();
    if (!maybe_time_) keep_words();
  }
  if (const auto number = parse_number(cell, comma)) {
    numbers_.push_back(*number);
    if (!words_at_.empty()) words_at_.push_back(-1);
    return;
  }
  numbers_.push_back(std::numeric_limits<double>::quiet_NaN());
  words_at_.resize(numbers_.size(), -1);
  if (worded_++ == 0) first_word_line_ = line;
  // Of times each is another: the texts hold them.
  if (!maybe_time_) words_at_.back() = place_of(cell);
}

int64_t SeriesColumn::place_of(std::string_view word) {
  const auto at = index_.find(word);
  if (at != index_.end()) return at->second;
  const auto place = static_cast<int64_t>(words_.size());
  index_.emplace(word, place);
  words_.emplace_back(word);
  return place;
}

/// What was held as a time is a word after all.
void SeriesColumn::keep_words() {
  for (size_t i = 0; i < numbers_.size() && worded_ > 0; ++i) {
    if (std::isnan(numbers_[i]) && !texts_[i].empty()) words_at_[i] = place_of(texts_[i]);
  }
  texts_ = {};
}

std::string SeriesColumn::text(int64_t step) const {
  if (!texts_.empty()) return texts_[static_cast<size_t>(step)];
  if (word(step) >= 0) return words_[static_cast<size_t>(word(step))];
  const double value = number(step);
  if (std::isnan(value)) return "";
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

/// Equal for equal values.
int64_t SeriesColumn::id(int64_t step) const {
  if (word(step) >= 0) return -1 - word(step);
  int64_t bits = 0;
  const double value = number(step);
  std::memcpy(&bits, &value, sizeof bits);
  return bits & std::numeric_limits<int64_t>::max();
}

std::vector<bool> SeriesColumn::runs() const {
  std::vector<bool> begins(numbers_.size(), true);
  for (int64_t i = 1; i < size(); ++i) begins[static_cast<size_t>(i)] = id(i) != id(i - 1);
  return begins;
}

bool SeriesColumn::in_runs() const {
  std::unordered_set<int64_t> seen;
  for (int64_t i = 0; i < size(); ++i) {
    if (i > 0 && id(i) == id(i - 1)) continue;
    if (!seen.insert(id(i)).second) return false;
  }
  return seen.size() > 1;
}

bool SeriesColumn::counts(std::vector<int64_t>* restarts) const {
  if (!all_numbers() || seen_ < size() || size() < 2) return false;
  restarts->clear();
  for (size_t i = 1; i < numbers_.size(); ++i) {
    if (numbers_[i] == numbers_[i - 1] + 1) continue;
    if (numbers_[i] != numbers_[0] || numbers_[i] > numbers_[i - 1]) return false;
    restarts->push_back(static_cast<int64_t>(i));
  }
  return 2 * static_cast<int64_t>(restarts->size()) < size();
}

}  // namespace elbo

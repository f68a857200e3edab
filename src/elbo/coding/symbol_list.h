#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "elbo/coding/ans.h"

// Symbols in the order in which they are read again: what a stack takes is put on it backwards.

namespace elbo {

// Whole numbers below 2^kLevelBits are alike to a 512th, those of more have 16 bits put apart.
constexpr int kUniformBits = 31, kLevelBits = 22, kPlainBits = 16;

/// `weights`, from 0 and not all of them 0, as whole numbers that sum to 2^24, each at least 1, one
/// before the other: ends [n + 1]. The rest of rounding goes to the largest.
inline void frequencies(const double* weights, size_t n, std::vector<uint32_t>& ends) {
  constexpr uint32_t kAll = uint32_t{1} << kSymbolBits;
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += weights[i];
  const double shared = static_cast<double>(kAll) - static_cast<double>(n);
  ends.resize(n + 1);
  size_t largest = 0;
  uint32_t given = 0;
  for (size_t i = 0; i < n; ++i) {
    const double share = sum > 0 ? weights[i] / sum : 1 / static_cast<double>(n);
    ends[i + 1] = 1 + static_cast<uint32_t>(share * shared);
    given += ends[i + 1];
    if (weights[i] > weights[largest]) largest = i;
  }
  ends[largest + 1] += kAll - given;
  ends[0] = 0;
  for (size_t i = 0; i < n; ++i) ends[i + 1] += ends[i];
}

/// Takes the symbol on top off, one of those that begin at ends[i]: its number.
inline size_t pop_among(const std::vector<uint32_t>& ends, AnsStack& from) {
  const auto at = std::upper_bound(ends.begin(), ends.end(), from.peek(kSymbolBits));
  const auto i = static_cast<size_t>(at - ends.begin()) - 1;
  from.pop(ends[i], ends[i + 1] - ends[i], kSymbolBits);
  return i;
}

/// Symbol k of n that are alike, n at most 2^bits.
inline Interval interval_of_alike(uint64_t k, uint64_t n, int bits) {
  const auto start = static_cast<uint32_t>((k << bits) / n);
  const auto end = static_cast<uint32_t>(((k + 1) << bits) / n);
  return {start, end - start, bits};
}

/// Takes one of n that are alike off: its number.
inline uint64_t pop_alike(uint64_t n, int bits, AnsStack& from) {
  const uint64_t place = from.peek(bits);
  const uint64_t k = ((place + 1) * n - 1) >> bits;
  const auto own = interval_of_alike(k, n, bits);
  from.pop(own.start, own.frequency, bits);
  return k;
}

class SymbolWriter {
 public:
  void put(Interval s) { symbols_.push_back(s); }
  /// Symbol i of those that begin at ends[i].
  void put(size_t i, const std::vector<uint32_t>& ends) {
    put({ends[i], ends[i + 1] - ends[i], kSymbolBits});
  }
  void put_bits(uint32_t value, int bits) { put({value, 1, bits}); }
  /// One of n alike.
  void put_uniform(uint64_t k, uint64_t n) {
    if (n > uint64_t{1} << kLevelBits) {
      put_uniform(k >> kPlainBits, ((n - 1) >> kPlainBits) + 1);
      put_bits(static_cast<uint32_t>(k & ((1U << kPlainBits) - 1)), kPlainBits);
    } else if (n > 1) {
      put(interval_of_alike(k, n, kUniformBits));
    }
  }
  void put_float(float x) {
    uint32_t bits = 0;
    std::memcpy(&bits, &x, sizeof bits);
    put_bits(bits >> kPlainBits, kPlainBits);
    put_bits(bits & ((1U << kPlainBits) - 1), kPlainBits);
  }
  std::vector<uint32_t> words() const {
    AnsStack stack;
    push_all(stack, symbols_);
    return stack.words();
  }

 private:
  std::vector<Interval> symbols_;
};

class SymbolReader {
 public:
  explicit SymbolReader(std::vector<uint32_t> words) : stack_(std::move(words)) {}
  size_t take(const std::vector<uint32_t>& ends) { return pop_among(ends, stack_); }
  uint32_t take_bits(int bits) {
    const uint32_t value = stack_.peek(bits);
    stack_.pop(value, 1, bits);
    return value;
  }
  uint64_t take_uniform(uint64_t n) {
    if (n > uint64_t{1} << kLevelBits) {
      const uint64_t high = take_uniform(((n - 1) >> kPlainBits) + 1);
      return high << kPlainBits | take_bits(kPlainBits);
    }
    if (n <= 1) return 0;
    return pop_alike(n, kUniformBits, stack_);
  }
  float take_float() {
    const uint32_t high = take_bits(kPlainBits);
    const uint32_t bits = high << kPlainBits | take_bits(kPlainBits);
    float x = 0;
    std::memcpy(&x, &bits, sizeof x);
    return x;
  }
  bool spent() const { return stack_.spent(); }

 private:
  AnsStack stack_;
};

}  // namespace elbo

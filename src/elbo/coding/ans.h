#pragma once

#include <cstdint>
#include <vector>

namespace elbo {

constexpr int kSymbolBits = 24;
/// Places of a symbol among 2^bits (1 <= bits <= 31), which are turned by so many.
struct Interval {
  uint32_t start, frequency;
  int bits = kSymbolBits;
  uint32_t turn = 0;
};

/// A stack of symbols as bits: asymmetric numeral systems with a state of 64 bits and words of 32
/// (Duda 2009, arXiv:0902.0271). Where nothing is left to pop, the stack borrows from a fixed
/// sequence of random words, which undoing the pops gives back.
class AnsStack {
 public:
  AnsStack() = default;
  /// What words() gave. Raises an Error where it cannot be that.
  explicit AnsStack(std::vector<uint32_t> words);

  /// `turn` moves all places around; what is popped to draw from is turned by random amounts, since
  /// what was pushed before it need not be evenly spread.
  void push(uint32_t start, uint32_t frequency, int bits, uint32_t turn = 0);
  /// The place that the symbol on top takes among 2^bits.
  uint32_t peek(int bits, uint32_t turn = 0) const {
    return (static_cast<uint32_t>(state_) - turn) & ((uint32_t{1} << bits) - 1);
  }
  /// Takes the symbol off, which lies where peek() said.
  void pop(uint32_t start, uint32_t frequency, int bits, uint32_t turn = 0);

  std::vector<uint32_t> words() const;
  /// Whether all that was pushed is popped, and all that was borrowed is back.
  bool spent() const;
  /// Bits on the stack, less those that are borrowed.
  double information() const;

 private:
  static constexpr uint64_t kLowest = uint64_t{1} << 32;

  std::vector<uint32_t> words_;
  uint64_t state_ = kLowest, borrowed_ = 0;
};

/// Puts symbols on the stack so that they are read in their order.
void push_all(AnsStack& to, const std::vector<Interval>& symbols);

}  // namespace elbo

#include <vector>

// What clang/vector.h has left without a body.
void fill_bits(std::_Bit_iterator from, std::_Bit_iterator to,
               const bool& value) __asm__("_ZSt9__fill_a1St13_Bit_iteratorS_RKb");
void fill_bits(std::_Bit_iterator from, std::_Bit_iterator to, const bool& value) {
  for (; from != to; ++from) *from = value;
}

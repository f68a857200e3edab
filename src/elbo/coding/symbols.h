#pragma once

#include <functional>
#include <memory>
#include <typeindex>
#include <vector>

#include "elbo/coding/ans.h"
#include "elbo/distributions/distribution.h"

namespace elbo {

/// Places of a symbol among 2^kSymbolBits, which are turned by so many.
struct Interval {
  uint32_t start, frequency, turn = 0;
};
constexpr int kSymbolBits = 24;

/// x under a distribution, as symbols: each component's takes about -log2 p(x) bits.
class Symbols {
 public:
  virtual ~Symbols() = default;
  /// Of x [n, …], in the order in which read() takes them. Raises an Error where the distribution
  /// cannot give x.
  virtual std::vector<Interval> intervals(const Tensor& x) const = 0;
  /// x [n, …] off the stack.
  virtual Tensor read(AnsStack& from) const = 0;
};

/// Puts symbols on the stack so that they are read in their order.
void push_all(AnsStack& to, const std::vector<Interval>& symbols, int bits = kSymbolBits);

/// How x is coded under p of n rows; parameters without rows count for each. Raises an Error naming
/// a distribution that has no symbols.
std::unique_ptr<Symbols> symbols_of(const Dist& p, int64_t n);

/// Registers how distributions of a type are coded.
using MakeSymbols = std::function<std::unique_ptr<Symbols>(const Distribution& p, int64_t n)>;
bool add_symbols(std::type_index type, MakeSymbols make);
template <class P, class F>
bool add_symbols(F f) {
  return add_symbols(
      typeid(P), [f](const Distribution& p, int64_t n) { return f(static_cast<const P&>(p), n); });
}

}  // namespace elbo

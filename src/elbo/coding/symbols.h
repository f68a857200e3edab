#pragma once

#include <functional>
#include <memory>
#include <typeindex>
#include <vector>

#include "elbo/coding/ans.h"
#include "elbo/distributions/distribution.h"

namespace elbo {

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

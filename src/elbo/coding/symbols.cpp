#include "elbo/coding/symbols.h"

#include <c10/util/Type.h>

#include <map>

#include "elbo/core/error.h"

namespace elbo {
namespace {

std::map<std::type_index, MakeSymbols>& symbol_makers() {
  static std::map<std::type_index, MakeSymbols> makers;
  return makers;
}

}  // namespace

bool add_symbols(std::type_index type, MakeSymbols make) {
  symbol_makers().emplace(type, std::move(make));
  return true;
}

std::unique_ptr<Symbols> symbols_of(const Dist& p, int64_t n) {
  const auto& of = *p;
  const auto at = symbol_makers().find(typeid(of));
  check(at != symbol_makers().end(), "[compress] distribution: ", c10::demangle(typeid(of).name()),
        " cannot be coded; what can: bits, classes, bytes by logistics");
  return at->second(of, n);
}

}  // namespace elbo

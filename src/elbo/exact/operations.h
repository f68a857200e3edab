#pragma once

#include <ATen/core/stack.h>

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "elbo/core/tensor.h"

// What ExactArithmetic does in place of libtorch's own kernels: the parts of its table.

namespace elbo::exact {

/// An operation by its arguments, as libtorch's schema has them.
using Arguments = std::vector<at::IValue>;
using Results = std::vector<at::IValue>;
using Exact = std::function<Results(const Arguments&)>;

/// Operations by name, "aten::exp"; where overloads differ, "aten::pow.Tensor_Scalar".
class Operations {
 public:
  void add(const std::string& name, Exact run) { table_.emplace(name, std::move(run)); }
  const Exact* find(const std::string& name, const std::string& overload) const;

 private:
  std::unordered_map<std::string, Exact> table_;
};

void add_products(Operations& to);
void add_sums(Operations& to);
void add_functions(Operations& to);

/// f(x) of each element, computed in float64, in the type of x.
template <class F>
Tensor each(const Tensor& x, F f) {
  const auto in = x.to(torch::kFloat64).contiguous();
  auto out = torch::empty_like(in);
  const auto* from = in.data_ptr<double>();
  auto* to = out.data_ptr<double>();
  const int64_t n = in.numel();
  for (int64_t i = 0; i < n; ++i) to[i] = f(from[i]);
  return out.to(x.scalar_type());
}

/// The same by a function of an array (arrays.h).
inline Tensor each_of(const Tensor& x, void (*f)(const double* x, double* y, int64_t n)) {
  auto out = x.to(torch::kFloat64).contiguous().clone();
  auto* numbers = out.data_ptr<double>();
  f(numbers, numbers, out.numel());
  return out.to(x.scalar_type());
}

}  // namespace elbo::exact

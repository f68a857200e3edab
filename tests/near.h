#pragma once

#include <doctest/doctest.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

#include "elbo/core/tensor.h"

namespace elbo {

/// Empty where a and b agree within tolerance * max(1, |b|) in every element (equal infinities and
/// two NaN agree); else a sentence that names the worst element.
inline std::string difference(const Tensor& a, const Tensor& b, double tolerance) {
  std::ostringstream text;
  if (!a.defined() || !b.defined()) {
    if (a.defined() != b.defined()) text << "only one of the two tensors is defined";
    return text.str();
  }
  if (!a.sizes().equals(b.sizes())) {
    text << "shapes differ: " << a.sizes() << " and " << b.sizes();
    return text.str();
  }
  const auto x = a.detach().to(torch::kCPU, torch::kFloat64).reshape({-1});
  const auto y = b.detach().to(torch::kCPU, torch::kFloat64).reshape({-1});
  if (x.numel() == 0) return "";
  auto error = (x - y).abs() / y.abs().clamp_min(1);
  error = torch::where(x == y, torch::zeros_like(error), error);
  error = torch::where(x.isnan().logical_and(y.isnan()), torch::zeros_like(error), error);
  error = error.nan_to_num(INFINITY);
  const auto worst = error.argmax().item<int64_t>();
  const double value = error[worst].item<double>();
  if (value <= tolerance) return "";
  text.precision(10);
  text << "element " << worst << " of " << a.sizes() << ": " << x[worst].item<double>()
       << " against " << y[worst].item<double>() << ", error " << value << ", allowed "
       << tolerance;
  return text.str();
}

inline std::string difference(double a, double b, double tolerance) {
  return difference(torch::tensor(a, torch::kFloat64), torch::tensor(b, torch::kFloat64),
                    tolerance);
}

}  // namespace elbo

/// Agreement within a relative tolerance (absolute below 1); the failure names the element.
#define CHECK_CLOSE(a, b, tolerance) CHECK_EQ(::elbo::difference((a), (b), (tolerance)), "")
#define REQUIRE_CLOSE(a, b, tolerance) REQUIRE_EQ(::elbo::difference((a), (b), (tolerance)), "")

namespace elbo {

/// Agreement relative to the largest expected number.
inline void check_near(const Tensor& found, const Tensor& expected, double tolerance) {
  const double scale = expected.abs().max().item<double>() + 1e-3;
  CHECK_CLOSE(found / scale, expected / scale, tolerance);
}

}  // namespace elbo

#pragma once

#include <cstdint>

// Functions of one number whose results are equal to the last bit on every machine: each step is an
// addition, a product, a quotient or a square root, which IEEE 754 rounds in one way only, and the
// folder is compiled without contraction. Errors are a few units in the last place of float64.

namespace elbo::exact {

double exp(double x);
double expm1(double x);
/// NaN below 0, -infinity at 0.
double log(double x);
double log1p(double x);
double tanh(double x);
double sigmoid(double x);
/// log(1 + exp(x)).
double softplus(double x);
double erf(double x);
/// Of the standard normal distribution: P(z < x), and the x with P(z < x) = p for p in (0, 1).
double normal_cdf(double x);
double normal_quantile(double p);
/// x to the power of y, by products where y is a small whole number.
double pow(double x, double y);
/// 2 to the power of e, for e that float64 can hold.
double power_of_two(int e);

}  // namespace elbo::exact

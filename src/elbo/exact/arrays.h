#pragma once

#include <cstdint>

namespace elbo::exact {

/// Functions of math.h of each of n numbers, equal to the last bit and several times as fast; x and
/// y may be the same.
void exp(const double* x, double* y, int64_t n);
void tanh(const double* x, double* y, int64_t n);
void sigmoid(const double* x, double* y, int64_t n);
/// x times sigmoid(x).
void silu(const double* x, double* y, int64_t n);
void normal_cdf(const double* x, double* y, int64_t n);

}  // namespace elbo::exact

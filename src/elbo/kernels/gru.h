#pragma once

#include <cstdint>

namespace elbo {

/// One step of n rows of gated recurrent units of width H (nn/gru.h). All matrices are dense.
struct GruStep {
  int64_t n, width;
  const float* a;       // [n, 3H]
  const float* z;       // [n, 3H] or null
  const float* before;  // [n, H]
  float* gates;         // [n, 3H] in: b; out: r, k, b_f
  float* fresh;         // [n, H] out: f
  float* after;         // [n, H] out: h'
};
void gru_forward(const GruStep& step);

struct GruGradient {
  int64_t n, width;
  const float *gates, *fresh, *before;  // as gru_forward left them
  const float* after;                   // [n, H] gradient of h', but for what is carried
  float* a;                             // [n, 3H] out: of a (and z)
  float* b;                             // [n, 3H] out: of b
  float* carried;  // [n, H] in: gradient of h' by later steps; out: of h, but for what b brings
};
void gru_backward(const GruGradient& step);

}  // namespace elbo

#include <cstring>
#include <numeric>

#include "elbo/nn/gradients.h"
#include "elbo/nn/gru.h"
#include "elbo/nn/product.h"

namespace elbo {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

float* floats(const Tensor& t) { return t.data_ptr<float>(); }

/// What the forward pass keeps: gates [size, 3H], fresh and before [size, H].
struct Kept {
  Tensor gates, fresh, before, out;
};

int64_t entries_of(const std::vector<int64_t>& rows) {
  return std::accumulate(rows.begin(), rows.end(), int64_t{0});
}

/// [size, columns], zero behind the entries of all steps.
Tensor empty_entries(const Tensor& like, int64_t entries, int64_t columns) {
  auto t = torch::empty({like.size(0), columns}, like.options().requires_grad(false));
  t.narrow(0, entries, like.size(0) - entries).zero_();
  return t;
}

Kept run_forward(const Tensor& a, const Tensor& z, const Tensor& h, const Tensor& weight,
                 const Tensor& bias, const std::vector<int64_t>& rows) {
  const int64_t width = h.size(1), entries = entries_of(rows);
  Kept kept{empty_entries(a, entries, 3 * width), empty_entries(a, entries, width),
            empty_entries(a, entries, width), empty_entries(a, entries, width)};
  const float* before = floats(h);
  int64_t at = 0;
  for (const int64_t n : rows) {
    float* copy = floats(kept.before) + at * width;
    std::memcpy(copy, before, sizeof(float) * static_cast<size_t>(n * width));
    float* gates = floats(kept.gates) + at * 3 * width;
    multiply({n, 3 * width, width, false, true, false, true}, copy, floats(weight), floats(bias),
             gates);
    gru_forward({n, width, floats(a) + at * 3 * width, z.defined() ? floats(z) : nullptr, copy,
                 gates, floats(kept.fresh) + at * width, floats(kept.out) + at * width});
    before = floats(kept.out) + at * width;
    at += n;
  }
  return kept;
}

/// Gradients of a [size, 3H], b [size, 3H] and h [B, H].
struct Backward {
  Tensor a, b, h;
};

Backward run_backward(const Kept& kept, const Tensor& weight, const Tensor& grad, int64_t batch,
                      const std::vector<int64_t>& rows) {
  const int64_t width = grad.size(1), entries = entries_of(rows);
  // Rows that end before others carry nothing until their own last step comes.
  Backward d{empty_entries(grad, entries, 3 * width), empty_entries(grad, entries, 3 * width),
             torch::zeros({batch, width}, grad.options())};
  float* carried = floats(d.h);
  int64_t at = entries;
  for (auto step = rows.rbegin(); step != rows.rend(); ++step) {
    const int64_t n = *step;
    at -= n;
    float* b = floats(d.b) + at * 3 * width;
    gru_backward({n, width, floats(kept.gates) + at * 3 * width, floats(kept.fresh) + at * width,
                  floats(kept.before) + at * width, floats(grad) + at * width,
                  floats(d.a) + at * 3 * width, b, carried});
    multiply({n, width, 3 * width, false, false, true}, b, floats(weight), nullptr, carried);
  }
  return d;
}

/// Sum over the steps of each row.
Tensor over_steps(const Tensor& packed, int64_t batch, const std::vector<int64_t>& rows) {
  auto sum = torch::zeros({batch, packed.size(1)}, packed.options());
  int64_t at = 0;
  for (const int64_t n : rows) {
    sum.narrow(0, 0, n).add_(packed.narrow(0, at, n));
    at += n;
  }
  return sum;
}

struct GruFunction : torch::autograd::Function<GruFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& a, const Tensor& z, const Tensor& h,
                        const Tensor& weight, const Tensor& bias,
                        const std::vector<int64_t>& rows) {
    const auto kept = run_forward(a, z.numel() > 0 ? z : Tensor(), h, weight, bias, rows);
    ctx->save_for_backward({a, z, h, weight, bias, kept.gates, kept.fresh, kept.before});
    ctx->saved_data["rows"] = rows;
    return kept.out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const auto &z = saved[1], &h = saved[2], &weight = saved[3], &bias = saved[4];
    const auto rows = ctx->saved_data["rows"].toIntVector();
    if (torch::GradMode::is_enabled()) {
      const variable_list inputs(saved.begin(), saved.begin() + 5);
      const auto y = plain_gru(saved[0], z.numel() > 0 ? z : Tensor(), h, weight, bias, rows);
      return differentiable_gradients(*ctx, inputs, y, grads[0], 6);
    }
    const auto d = run_backward({saved[5], saved[6], saved[7], Tensor()}, weight,
                                grads[0].contiguous(), h.size(0), rows);
    variable_list result(6);
    result[0] = d.a;
    if (ctx->needs_input_grad(1)) {
      result[1] = z.numel() > 0 ? over_steps(d.a, h.size(0), rows) : torch::zeros_like(z);
    }
    result[2] = d.h;
    const int64_t size = d.b.size(0), width = h.size(1);
    if (ctx->needs_input_grad(3)) {
      const GradientSink dw(weight);
      multiply({3 * width, width, size, true, false, dw.direct}, floats(d.b), floats(saved[7]),
               nullptr, floats(dw.into));
      result[3] = dw.result();
    }
    if (ctx->needs_input_grad(4)) {
      const GradientSink db(bias);
      const auto sum = d.b.sum(0);
      db.direct ? db.into.add_(sum) : db.into.copy_(sum);
      result[4] = db.result();
    }
    return result;
  }
};

}  // namespace

bool has_fast_gru(const Tensor& a, const Tensor& weight) {
  return a.device().is_cpu() && a.scalar_type() == torch::kFloat32 &&
         weight.scalar_type() == torch::kFloat32 && a.numel() > 0;
}

Tensor fast_gru(const Tensor& a, const Tensor& z, const Tensor& h, const Tensor& weight,
                const Tensor& bias, const std::vector<int64_t>& rows) {
  const auto none = torch::empty({0}, a.options().requires_grad(false));
  const auto input = a.contiguous(), of_row = z.defined() ? z.contiguous() : none;
  if (torch::GradMode::is_enabled()) {
    return GruFunction::apply(input, of_row, h.contiguous(), weight, bias, rows);
  }
  return run_forward(input, z.defined() ? of_row : Tensor(), h.contiguous(), weight, bias, rows)
      .out;
}

}  // namespace elbo

#include <cstring>
#include <numeric>

#include "elbo/core/profile.h"
#include "elbo/kernels/gru.h"
#include "elbo/nn/gradients.h"
#include "elbo/nn/gru.h"
#include "elbo/nn/product.h"

namespace elbo {
namespace {

/// What the forward pass keeps: gates [size, 3H], fresh and before [size, H].
struct Kept {
  Tensor gates, fresh, before, out;
};

int64_t entries_of(const std::vector<int64_t>& rows) {
  return std::accumulate(rows.begin(), rows.end(), int64_t{0});
}

/// The products of all steps as one.
Product steps_of(const Tensor& h, const std::vector<int64_t>& rows) {
  return {entries_of(rows), 3 * h.size(1), h.size(1)};
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

struct GruNode : WeightNode {
  std::vector<int64_t> rows;

  std::string name() const override { return "elbo::Gru"; }
  Gradients backward(const Gradients& grads) override {
    const auto z = input(1), h = input(2), weight = input(3), bias = input(4);
    if (is_differentiated()) {
      const auto a = input(0);
      return differentiable_gradients(*this, {a, z, h, weight, bias},
                                      plain_gru(a, z, h, weight, bias, rows), grads[0]);
    }
    const auto d = [&] {
      const Timed timed("GRU backward", floats(weight), work_of(steps_of(h, rows)));
      return run_backward({made(0), made(1), made(2), Tensor()}, weight, grads[0].contiguous(),
                          h.size(0), rows);
    }();
    Gradients result(5);
    result[0] = d.a;
    if (wanted(1)) result[1] = over_steps(d.a, h.size(0), rows);
    result[2] = d.h;
    const int64_t size = d.b.size(0), width = h.size(1);
    if (const auto dw = sink(3, weight)) {
      const Product product{3 * width, width, size, true, false, dw->direct};
      const Timed timed("weight gradient", floats(weight), work_of(product));
      multiply(product, floats(d.b), floats(made(2)), nullptr, floats(dw->into));
      result[3] = dw->result();
    }
    if (const auto db = sink(4, bias)) {
      const auto sum = d.b.sum(0);
      db->direct ? db->into.add_(sum) : db->into.copy_(sum);
      result[4] = db->result();
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
  const auto input = a.contiguous(), start = h.contiguous();
  const auto of_row = z.defined() ? z.contiguous() : z;
  Kept kept;
  {
    torch::NoGradGuard no_gradient;
    const Timed timed("GRU forward", floats(weight), work_of(steps_of(h, rows)));
    kept = run_forward(input, of_row, start, weight, bias, rows);
  }
  const auto node = node_of<GruNode>(input, of_row, start, weight, bias);
  if (node) {
    node->rows = rows;
    for (const auto& t : {input, of_row, start}) node->keep_input(t);
    node->keep_parameter(weight);
    node->keep_parameter(bias);
    for (const auto& t : {kept.gates, kept.fresh, kept.before}) node->keep(t);
  }
  return from_node(kept.out, node);
}

}  // namespace elbo

#include <torch/nn/functional.h>

#include <algorithm>

#include "elbo/core/error.h"
#include "elbo/exact/kept_weights.h"
#include "elbo/exact/operations.h"
#include "elbo/exact/windows.h"

namespace elbo::exact {
namespace {

Tensor in_order(const Tensor& x) { return x; }
Tensor columns_as_rows(const Tensor& x) { return x.transpose(-1, -2).flatten(0, -2); }
Tensor one_row(const Tensor& x) { return x.reshape({1, -1}); }

/// a [B, K] times b [K, N], float64.
Tensor product(const Tensor& a, const Tensor& b) {
  const auto bits = factor_bits(a.size(1));
  auto& kept = *KeptWeights::current();
  const auto x = kept.get(a, bits.left, in_order), w = kept.get(b, bits.right, columns_as_rows);
  return x.whole.mm(w.whole.t()).mul_(x.unit).mul_(w.unit.t());
}

/// [G, B, K] times [G, K, N].
Tensor products(const Tensor& a, const Tensor& b) {
  const auto bits = factor_bits(a.size(2));
  const auto x = fixed_point(a.flatten(0, 1), bits.left);
  const auto w = fixed_point(columns_as_rows(b), bits.right);
  const int64_t g = a.size(0), rows = a.size(1), columns = b.size(2);
  auto y = x.whole.view({g, rows, -1}).bmm(w.whole.view({g, columns, -1}).transpose(1, 2));
  return y.mul_(x.unit.view({g, rows, 1})).mul_(w.unit.view({g, 1, columns}));
}

Tensor like(const Tensor& result, const Tensor& type_of) {
  return result.to(type_of.scalar_type());
}

/// beta * self + alpha * result.
Tensor weighed(const Tensor& self, const Tensor& result, const at::IValue& beta,
               const at::IValue& alpha) {
  const double b = beta.toScalar().toDouble(), a = alpha.toScalar().toDouble();
  const auto scaled = a == 1 ? result : result * a;
  if (b == 0) return scaled;
  const auto own = self.to(torch::kFloat64);
  return scaled + (b == 1 ? own : own * b);
}

/// One number for both axes, or one each.
std::array<int64_t, 2> both(const std::vector<int64_t>& axes) {
  return {axes.front(), axes.back()};
}

Tensor convolution(const Arguments& in) {
  const auto x = in[0].toTensor(), w = in[1].toTensor();
  const bool transposed = in[6].toBool();
  const int64_t groups = in[8].toInt();
  // Transposed: [C_in, C_out / groups, …], and C_in / groups channels meet in an output.
  const int64_t channels = transposed ? w.size(0) / groups : w.size(1);
  int64_t terms = channels;
  for (int64_t axis = 2; axis < w.dim(); ++axis) terms *= w.size(axis);
  const auto bits = factor_bits(terms);
  const auto rows = fixed_point(x.flatten(1), bits.left);
  const auto weight = KeptWeights::current()->get(w, bits.right, one_row);
  const auto bias = in[2].isTensor() ? in[2].toTensor() : Tensor();
  const auto stride = in[3].toIntVector(), padding = in[4].toIntVector(),
             dilation = in[5].toIntVector();
  const bool close =
      std::all_of(dilation.begin(), dilation.end(), [](int64_t d) { return d == 1; });
  if (x.dim() == 4 && !transposed && groups == 1 && close) {
    const Windows plan{x.sizes().vec(), w.sizes().vec(), both(stride), both(padding)};
    return like(window_sums(plan, rows, weight, bias), x);
  }
  auto y = at::convolution(rows.whole.view(x.sizes()), weight.whole.view(w.sizes()), {}, stride,
                           padding, dilation, transposed, in[7].toIntVector(), groups);
  Shape each_row(static_cast<size_t>(y.dim()), 1);
  each_row[0] = x.size(0);
  y = y * rows.unit.view(each_row) * weight.unit.item<double>();
  if (bias.defined()) {
    Shape each_channel(static_cast<size_t>(y.dim()), 1);
    each_channel[1] = y.size(1);
    y = y + bias.to(torch::kFloat64).view(each_channel);
  }
  return like(y, x);
}

}  // namespace

void add_products(Operations& to) {
  to.add("aten::mm", [](const Arguments& in) -> Results {
    const auto a = in[0].toTensor();
    return {like(product(a, in[1].toTensor()), a)};
  });
  to.add("aten::addmm", [](const Arguments& in) -> Results {
    const auto a = in[1].toTensor();
    return {like(weighed(in[0].toTensor(), product(a, in[2].toTensor()), in[3], in[4]), a)};
  });
  to.add("aten::mv", [](const Arguments& in) -> Results {
    const auto a = in[0].toTensor();
    return {like(product(a, in[1].toTensor().unsqueeze(1)).squeeze(1), a)};
  });
  to.add("aten::addmv", [](const Arguments& in) -> Results {
    const auto a = in[1].toTensor();
    const auto y = product(a, in[2].toTensor().unsqueeze(1)).squeeze(1);
    return {like(weighed(in[0].toTensor(), y, in[3], in[4]), a)};
  });
  to.add("aten::dot", [](const Arguments& in) -> Results {
    const auto a = in[0].toTensor();
    return {like(product(a.unsqueeze(0), in[1].toTensor().unsqueeze(1)).view({}), a)};
  });
  to.add("aten::bmm", [](const Arguments& in) -> Results {
    const auto a = in[0].toTensor();
    return {like(products(a, in[1].toTensor()), a)};
  });
  to.add("aten::baddbmm", [](const Arguments& in) -> Results {
    const auto a = in[1].toTensor();
    return {like(weighed(in[0].toTensor(), products(a, in[2].toTensor()), in[3], in[4]), a)};
  });
  to.add("aten::convolution", [](const Arguments& in) -> Results { return {convolution(in)}; });
  // The same with four flags more, which say what libtorch may use.
  to.add("aten::_convolution", [](const Arguments& in) -> Results { return {convolution(in)}; });
}

}  // namespace elbo::exact

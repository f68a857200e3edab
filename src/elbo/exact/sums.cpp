#include <ATen/WrapDimUtils.h>

#include <algorithm>

#include "elbo/core/error.h"
#include "elbo/exact/arrays.h"
#include "elbo/exact/fixed_point.h"
#include "elbo/exact/math.h"
#include "elbo/exact/operations.h"

namespace elbo::exact {
namespace {

/// Axes that an argument names: all where it is absent or empty.
std::vector<int64_t> axes_of(const at::IValue& argument, int64_t rank) {
  std::vector<int64_t> axes;
  if (argument.isIntList()) axes = argument.toIntVector();
  if (argument.isInt()) axes = {argument.toInt()};
  for (auto& axis : axes) axis = at::maybe_wrap_dim(axis, rank);
  if (axes.empty()) {
    for (int64_t axis = 0; axis < rank; ++axis) axes.push_back(axis);
  }
  std::sort(axes.begin(), axes.end());
  return axes;
}

/// float64 sums over these axes.
Tensor sum_over(const Tensor& x, const std::vector<int64_t>& axes, bool keep) {
  Shape order, left, kept(x.sizes().vec());
  for (int64_t axis = 0; axis < x.dim(); ++axis) {
    if (std::find(axes.begin(), axes.end(), axis) != axes.end()) {
      kept[static_cast<size_t>(axis)] = 1;
      continue;
    }
    order.push_back(axis);
    left.push_back(x.size(axis));
  }
  order.insert(order.end(), axes.begin(), axes.end());
  const int64_t rows = numel(left), terms = rows == 0 ? 0 : x.numel() / rows;
  const auto y = terms == 0 ? torch::zeros({rows}, torch::kFloat64)
                            : row_sums(x.permute(order).reshape({rows, terms}));
  return y.view(keep ? kept : left);
}

int64_t count_over(const Tensor& x, const std::vector<int64_t>& axes) {
  int64_t count = 1;
  for (const int64_t axis : axes) count *= x.size(axis);
  return count;
}

torch::ScalarType asked_type(const at::IValue& argument, const Tensor& x) {
  return argument.isNone() ? x.scalar_type() : argument.toScalarType();
}

Tensor exp_of(const Tensor& x) { return each_of(x, exp); }
Tensor log_of(const Tensor& x) {
  return each(x, [](double v) { return log(v); });
}

/// x less its largest along an axis, float64; `most` where it is asked for.
Tensor below_largest(const Tensor& x, int64_t axis, Tensor* most = nullptr) {
  const auto wide = x.to(torch::kFloat64);
  const auto largest = wide.amax({axis}, true);
  if (most) *most = largest;
  return wide - torch::where(largest.isfinite(), largest, torch::zeros_like(largest));
}

/// (x - mean) / sqrt(variance + eps) over rows [N, K], float64, with both.
Results standardised_rows(const Tensor& rows, double eps) {
  const double count = static_cast<double>(rows.size(1));
  const auto wide = rows.to(torch::kFloat64);
  const auto mean = (row_sums(wide) / count).unsqueeze(1);
  const auto centred = wide - mean;
  const auto variance = (row_sums(centred * centred) / count).unsqueeze(1);
  const auto per_deviation = torch::ones_like(variance) / (variance + eps).sqrt();
  return {centred * per_deviation, mean, per_deviation};
}

Tensor affine(const Tensor& x, const at::IValue& weight, const at::IValue& bias,
              const Shape& shape) {
  auto y = x;
  if (weight.isTensor() && weight.toTensor().defined()) {
    y = y * weight.toTensor().to(torch::kFloat64).view(shape);
  }
  if (bias.isTensor() && bias.toTensor().defined()) {
    y = y + bias.toTensor().to(torch::kFloat64).view(shape);
  }
  return y;
}

Shape channel_shape(const Tensor& x) {
  Shape shape(static_cast<size_t>(x.dim()), 1);
  shape[1] = x.size(1);
  return shape;
}

Results layer_norm(const Arguments& in) {
  const auto x = in[0].toTensor();
  const auto over = in[1].toIntVector();
  const int64_t k = numel(over), n = x.numel() / k;
  const auto parts = standardised_rows(x.reshape({n, k}), in[4].toDouble());
  const auto y = affine(parts[0].toTensor().view(x.sizes()), in[2], in[3], over);
  return {y.to(x.scalar_type()), parts[1].toTensor().to(x.scalar_type()),
          parts[2].toTensor().to(x.scalar_type())};
}

Results group_norm(const Arguments& in) {
  const auto x = in[0].toTensor();
  const int64_t n = in[3].toInt(), groups = in[6].toInt();
  const auto parts = standardised_rows(x.reshape({n * groups, -1}), in[7].toDouble());
  const auto y = affine(parts[0].toTensor().view(x.sizes()), in[1], in[2], channel_shape(x));
  const auto of_groups = [&](size_t i) {
    return parts[i].toTensor().view({n, groups}).to(x.scalar_type());
  };
  return {y.to(x.scalar_type()), of_groups(1), of_groups(2)};
}

Results batch_norm(const Arguments& in) {
  check(!in[5].toBool(), "[exact] batch norm of rows in training");
  const auto x = in[0].toTensor();
  const auto shape = channel_shape(x);
  const auto mean = in[3].toTensor().to(torch::kFloat64).view(shape);
  const auto variance = in[4].toTensor().to(torch::kFloat64).view(shape);
  const auto y = (x.to(torch::kFloat64) - mean) / (variance + in[7].toDouble()).sqrt();
  const auto none = torch::empty({0}, x.options());
  return {affine(y, in[1], in[2], shape).to(x.scalar_type()), none, none};
}

/// Running sums along an axis, one after the other.
Tensor running_sums(const Tensor& x, int64_t axis) {
  const auto rows = x.to(torch::kFloat64).movedim(axis, -1).contiguous();
  auto y = torch::empty_like(rows);
  const int64_t k = rows.dim() == 0 ? 1 : rows.size(-1);
  const auto* from = rows.data_ptr<double>();
  auto* to = y.data_ptr<double>();
  for (int64_t r = 0; r < rows.numel(); r += k) {
    double sum = 0;
    for (int64_t i = r; i < r + k; ++i) to[i] = sum += from[i];
  }
  return y.movedim(-1, axis);
}

}  // namespace

void add_sums(Operations& to) {
  to.add("aten::sum", [](const Arguments& in) -> Results {
    // sum(x, dtype) and sum(x, axes, keep, dtype)
    const auto x = in[0].toTensor();
    const bool all = in.size() == 2;
    const auto type = asked_type(in.back(), x);
    if (!x.is_floating_point()) {
      const auto whole = x.to(torch::kInt64);
      const auto y = all ? whole.sum() : whole.sum(axes_of(in[1], x.dim()), in[2].toBool());
      return {in.back().isNone() ? y : y.to(type)};
    }
    const auto axes = axes_of(all ? at::IValue() : in[1], x.dim());
    return {sum_over(x, axes, !all && in[2].toBool()).to(type)};
  });
  to.add("aten::mean", [](const Arguments& in) -> Results {
    const auto x = in[0].toTensor();
    const bool all = in.size() == 2;
    const auto axes = axes_of(all ? at::IValue() : in[1], x.dim());
    const auto sum = sum_over(x, axes, !all && in[2].toBool());
    return {(sum / static_cast<double>(count_over(x, axes))).to(asked_type(in.back(), x))};
  });
  to.add("aten::_softmax", [](const Arguments& in) -> Results {
    const auto x = in[0].toTensor();
    const int64_t axis = at::maybe_wrap_dim(in[1].toInt(), x.dim());
    const auto e = exp_of(below_largest(x, axis));
    return {(e / sum_over(e, {axis}, true)).to(x.scalar_type())};
  });
  to.add("aten::_log_softmax", [](const Arguments& in) -> Results {
    const auto x = in[0].toTensor();
    const int64_t axis = at::maybe_wrap_dim(in[1].toInt(), x.dim());
    const auto below = below_largest(x, axis);
    return {(below - log_of(sum_over(exp_of(below), {axis}, true))).to(x.scalar_type())};
  });
  to.add("aten::logsumexp", [](const Arguments& in) -> Results {
    const auto x = in[0].toTensor();
    const auto axes = axes_of(in[1], x.dim());
    check(axes.size() == 1, "[exact] logsumexp over several axes");
    Tensor most;
    const auto below = below_largest(x, axes[0], &most);
    const auto y = log_of(sum_over(exp_of(below), axes, true)) + most;
    return {(in[2].toBool() ? y : y.squeeze(axes[0])).to(x.scalar_type())};
  });
  to.add("aten::cumsum", [](const Arguments& in) -> Results {
    const auto x = in[0].toTensor();
    const auto y = running_sums(x, at::maybe_wrap_dim(in[1].toInt(), x.dim()));
    return {y.to(x.is_floating_point() ? asked_type(in[2], x) : torch::kInt64)};
  });
  to.add("aten::native_layer_norm", layer_norm);
  to.add("aten::native_group_norm", group_norm);
  to.add("aten::native_batch_norm", batch_norm);
}

}  // namespace elbo::exact

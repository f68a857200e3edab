#include "elbo/eval/table_comparison.h"

#include "elbo/eval/linear.h"

namespace elbo {
namespace {

/// The cells of a column that are known.
Tensor known_cells(const Tensor& x, int64_t column) {
  const auto cells = x.select(1, column);
  return cells.masked_select(cells.isnan().logical_not()).to(torch::kFloat64);
}

double largest_gap(const Tensor& a, const Tensor& b) {
  const auto share_until = [](const Tensor& sample, const Tensor& at) {
    const auto sorted = std::get<0>(sample.sort());
    return torch::searchsorted(sorted, at, false, /*right=*/true).to(torch::kFloat64) /
           static_cast<double>(sample.numel());
  };
  const auto all = torch::cat({a, b});
  return (share_until(a, all) - share_until(b, all)).abs().max().item<double>();
}

double total_variation(const Tensor& a, const Tensor& b, int64_t classes) {
  const auto shares = [&](const Tensor& sample) {
    return torch::bincount(sample.to(torch::kInt64), {}, classes).to(torch::kFloat64) /
           static_cast<double>(sample.numel());
  };
  return (shares(a) - shares(b)).abs().sum().item<double>() / 2;
}

int64_t class_number(const Column& column) { return static_cast<int64_t>(column.classes.size()); }

double pearson(const Tensor& a, const Tensor& b) {
  const auto da = a - a.mean(), db = b - b.mean();
  const double spread = (da.square().sum() * db.square().sum()).sqrt().item<double>();
  return spread > 0 ? da.dot(db).item<double>() / spread : 0;
}

/// The root of the share of a number's variance that lies between classes.
double correlation_ratio(const Tensor& number, const Tensor& classes, int64_t count) {
  const auto deviation = number - number.mean();
  const auto k = classes.to(torch::kInt64);
  const auto sums = torch::zeros({count}, torch::kFloat64).index_add(0, k, deviation);
  const auto sizes = torch::bincount(k, {}, count).to(torch::kFloat64).clamp_min(1);
  const double all = deviation.square().sum().item<double>();
  return all > 0 ? std::sqrt((sums.square() / sizes).sum().item<double>() / all) : 0;
}

/// √(χ²/n / (min(rows, columns) - 1)), over the classes that occur.
double cramers_v(const Tensor& a, const Tensor& b, int64_t rows, int64_t columns) {
  const auto cells = a.to(torch::kInt64) * columns + b.to(torch::kInt64);
  const auto joint = torch::bincount(cells, {}, rows * columns).to(torch::kFloat64) /
                     static_cast<double>(a.numel());
  const auto table = joint.view({rows, columns});
  const auto p = table.sum(1, true), q = table.sum(0, true);
  const int64_t seen = std::min((p > 0).sum().item<int64_t>(), (q > 0).sum().item<int64_t>());
  if (seen < 2) return 0;
  const auto expected = p * q;
  const auto squares = torch::where(expected > 0, table.square() / expected, expected);
  const double excess = squares.sum().item<double>() - 1;
  return std::sqrt(std::max(0.0, excess) / static_cast<double>(seen - 1));
}

double association(const Tensor& a, const Tensor& b, const Column& first, const Column& second) {
  if (a.numel() < 2) return 0;
  if (first.numeric() && second.numeric()) return pearson(a, b);
  if (first.numeric()) return correlation_ratio(a, b, class_number(second));
  if (second.numeric()) return correlation_ratio(b, a, class_number(first));
  return cramers_v(a, b, class_number(first), class_number(second));
}

/// What one column adds to Gower's distance.
struct Gap {
  Tensor values, seen;  // [m] of the known rows, 0 where missing; 1 where not
  bool ordered;         // numbers and grades
  double range;

  Gap(const Tensor& known, int64_t at, const Column& column)
      : ordered(column.numeric() || column.type == "ordinal") {
    const auto cells = known.select(1, at).contiguous();
    values = cells.nan_to_num(0);
    seen = cells.isnan().logical_not().to(torch::kFloat32);
    const auto found = known_cells(known, at);
    range = found.numel() > 0 ? (found.max() - found.min()).item<double>() : 0;
    if (range == 0) range = 1;
  }
  Tensor to(float value) const {
    return seen * (ordered ? (values - value).abs() / range : (values != value));
  }
};

}  // namespace

Tensor marginal_distances(const Tensor& a, const Tensor& b, const std::vector<Column>& columns) {
  std::vector<double> distances;
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    const auto one = known_cells(a, at), other = known_cells(b, at);
    if (one.numel() == 0 || other.numel() == 0) {
      distances.push_back(one.numel() == other.numel() ? 0 : 1);
    } else {
      distances.push_back(columns[i].numeric()
                              ? largest_gap(one, other)
                              : total_variation(one, other, class_number(columns[i])));
    }
  }
  return torch::tensor(distances, torch::kFloat64);
}

Tensor associations(const Tensor& x, const std::vector<Column>& columns) {
  const auto d = static_cast<int64_t>(columns.size());
  const auto values = x.to(torch::kFloat64).t().contiguous();
  const auto known = values.isnan().logical_not();
  const auto matrix = torch::eye(d, torch::kFloat64);
  for (int64_t i = 0; i < d; ++i) {
    for (int64_t j = 0; j < i; ++j) {
      const auto both = known[i].logical_and(known[j]);
      const double found =
          association(values[i].masked_select(both), values[j].masked_select(both),
                      columns[static_cast<size_t>(i)], columns[static_cast<size_t>(j)]);
      matrix[i][j] = found;
      matrix[j][i] = found;
    }
  }
  return matrix;
}

Tensor closest_distances(const Tensor& rows, const Tensor& known,
                         const std::vector<Column>& columns) {
  std::vector<Gap> gaps;
  for (size_t i = 0; i < columns.size(); ++i) {
    gaps.emplace_back(known, static_cast<int64_t>(i), columns[i]);
  }
  const auto plain = rows.to(torch::kFloat32).contiguous();
  const auto* cell = plain.data_ptr<float>();
  std::vector<double> closest;
  for (int64_t r = 0; r < plain.size(0); ++r) {
    auto total = torch::zeros({known.size(0)}), shared = torch::zeros_like(total);
    for (const auto& gap : gaps) {
      const float value = *cell++;
      if (std::isnan(value)) continue;
      total += gap.to(value);
      shared += gap.seen;
    }
    const auto distance = torch::where(shared > 0, total / shared, torch::ones_like(total));
    closest.push_back(distance.min().item<double>());
  }
  return torch::tensor(closest, torch::kFloat64);
}

Tensor table_features(const Tensor& x, const Tensor& reference, const std::vector<Column>& columns,
                      int64_t target) {
  std::vector<Tensor> parts{torch::zeros({x.size(0), 0}, torch::kFloat64)};
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    if (at == target) continue;
    const auto cells = x.select(1, at).to(torch::kFloat64).unsqueeze(1);
    if (columns[i].numeric()) {
      const auto seen = known_cells(reference, at);
      if (seen.numel() == 0) continue;
      parts.push_back(Scaling(seen.unsqueeze(1))(cells).nan_to_num(0));
    } else {
      const auto classes = torch::arange(class_number(columns[i]), torch::kFloat64);
      parts.push_back((cells == classes).to(torch::kFloat64));
    }
  }
  return torch::cat(parts, 1);
}

}  // namespace elbo

#include "elbo/model/table_encoder.h"

#include <cmath>

namespace elbo {
namespace {

constexpr size_t kMostOneHot = 32;  // classes
constexpr double kFarOut = 10;      // deviations: an outlier must not drown the other columns

Tensor places(const std::vector<int64_t>& list) {
  return list.empty() ? Tensor() : torch::tensor(list);
}

Tensor on(const Tensor& t, const Tensor& like) { return t.to(like.device()); }

}  // namespace

TableFeatures::TableFeatures(const std::vector<Column>& columns, bool missing) : missing_(missing) {
  add_numbers(columns);
  add_classes(columns);
  if (missing_) size_ += static_cast<int64_t>(columns.size());
}

void TableFeatures::add_numbers(const std::vector<Column>& columns) {
  std::vector<int64_t> plain, log, log1p, zero;
  std::vector<float> loc[3], scale[3];
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto& c = columns[i];
    if (!c.numeric() && c.type != "ordinal") continue;
    const int group = c.type == "positive" ? 1 : c.type == "count" ? 2 : 0;
    (group == 1 ? log : group == 2 ? log1p : plain).push_back(static_cast<int64_t>(i));
    if (c.zeros > 0 && group > 0) zero.push_back(static_cast<int64_t>(i));
    // Grades count as numbers, spread evenly.
    const auto grades = static_cast<double>(c.classes.size());
    loc[group].push_back(static_cast<float>(c.numeric() ? c.loc : 0.5 * (grades - 1)));
    scale[group].push_back(static_cast<float>(c.numeric() ? c.scale : 0.289 * grades));
  }
  for (int group = 1; group < 3; ++group) {
    loc[0].insert(loc[0].end(), loc[group].begin(), loc[group].end());
    scale[0].insert(scale[0].end(), scale[group].begin(), scale[group].end());
  }
  plain_at_ = places(plain);
  log_at_ = places(log);
  log1p_at_ = places(log1p);
  zero_at_ = places(zero);
  const auto numbers = static_cast<int64_t>(loc[0].size());
  size_ += numbers + static_cast<int64_t>(zero.size());
  if (numbers == 0) return;
  loc_ = torch::tensor(loc[0]);
  inverse_scale_ = torch::tensor(scale[0]).reciprocal();
  if (missing_) stand_in_ = register_parameter("stand_in", torch::zeros({numbers}));
}

void TableFeatures::add_classes(const std::vector<Column>& columns) {
  std::vector<int64_t> at, from;
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto& c = columns[i];
    if (c.numeric() || c.type == "ordinal") continue;
    const auto classes = static_cast<int64_t>(c.classes.size());
    if (c.classes.size() <= kMostOneHot) {
      at.push_back(static_cast<int64_t>(i));
      from.push_back(one_hot_size_);
      one_hot_size_ += classes;
      continue;
    }
    const auto width = std::min<int64_t>(
        64, static_cast<int64_t>(std::ceil(1.6 * std::pow(static_cast<double>(classes), 0.56))));
    const auto table = 0.1 * torch::randn({classes, width});
    embedded_.emplace_back(i, register_parameter("embedding" + std::to_string(i), table));
    size_ += width;
  }
  class_at_ = places(at);
  class_from_ = places(from);
  size_ += one_hot_size_;
}

Tensor TableFeatures::numbers(const Tensor& x) const {
  std::vector<Tensor> parts;
  const auto pick = [&](const Tensor& at) { return x.index_select(1, on(at, x)); };
  if (plain_at_.defined()) parts.push_back(pick(plain_at_));
  if (log_at_.defined()) parts.push_back(pick(log_at_).log());
  if (log1p_at_.defined()) parts.push_back(pick(log1p_at_).log1p());
  const auto all = parts.size() == 1 ? parts[0] : torch::cat(parts, 1);
  const auto scaled = (all - on(loc_, x)) * on(inverse_scale_, x);
  // A zero of a positive column has no logarithm either: a mark of its own tells it.
  const auto absent = scaled.isfinite().logical_not();
  const auto instead = stand_in_.defined() ? stand_in_ : torch::zeros({}, x.options());
  return torch::where(absent, instead, scaled.clamp(-kFarOut, kFarOut));
}

Tensor TableFeatures::one_hot(const Tensor& x) const {
  const auto classes = x.index_select(1, on(class_at_, x));
  const auto known = classes.isnan().logical_not();
  const auto place = classes.nan_to_num(0).to(torch::kInt64) + on(class_from_, x);
  return torch::zeros({x.size(0), one_hot_size_}, x.options())
      .scatter_(1, place, known.to(x.scalar_type()));
}

Tensor TableFeatures::forward(const Tensor& x) {
  std::vector<Tensor> parts;
  if (loc_.defined()) parts.push_back(numbers(x));
  if (zero_at_.defined()) {
    parts.push_back((x.index_select(1, on(zero_at_, x)) == 0).to(x.scalar_type()));
  }
  if (class_at_.defined()) parts.push_back(one_hot(x));
  for (const auto& [column, table] : embedded_) {
    const auto cell = x.select(1, column);
    const auto known = cell.isnan().logical_not().unsqueeze(1);
    const auto rows = torch::embedding(table, cell.nan_to_num(0).to(torch::kInt64));
    parts.push_back(rows * known);
  }
  if (missing_) parts.push_back(x.isnan().to(x.scalar_type()));
  return parts.size() == 1 ? parts[0] : torch::cat(parts, 1);
}

}  // namespace elbo

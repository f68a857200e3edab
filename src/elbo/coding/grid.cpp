#include "elbo/coding/grid.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "elbo/core/error.h"
#include "elbo/core/random.h"
#include "elbo/distributions/continuous.h"
#include "elbo/exact/arrays.h"
#include "elbo/exact/math.h"

namespace elbo {
namespace {

constexpr int64_t kCells = int64_t{1} << kGridBits;

/// Ends and middles of cells of the standard normal distribution.
struct StandardCells {
  std::vector<double> lower, middle;  // [kCells]; the first cell begins at -infinity

  StandardCells() : lower(kCells), middle(kCells) {
    for (int64_t i = 0; i < kCells; ++i) {
      const auto at = static_cast<size_t>(i), mirror = static_cast<size_t>(kCells - 1 - i);
      const double count = static_cast<double>(kCells);
      if (i > kCells / 2) {
        lower[at] = -lower[static_cast<size_t>(kCells - i)];
      } else {
        lower[at] = i == 0 ? -HUGE_VAL : exact::normal_quantile(static_cast<double>(i) / count);
      }
      middle[at] = i >= kCells / 2 ? -middle[mirror]
                                   : exact::normal_quantile((static_cast<double>(i) + 0.5) / count);
    }
  }
};

const StandardCells& standard_cells() {
  static const StandardCells cells;
  return cells;
}

/// Location and scale, float64 of this shape; undefined where p is not normal.
std::pair<Tensor, Tensor> normal_parts(const Distribution& p, const Shape& shape) {
  if (const auto* normal = dynamic_cast<const Normal*>(&p)) {
    const auto wide = [&](const Tensor& t) { return t.to(torch::kFloat64).expand(shape); };
    auto scale = wide(normal->log_scale()).contiguous().clone();
    auto* s = scale.data_ptr<double>();
    exact::exp(s, s, scale.numel());
    return {wide(normal->loc()).contiguous(), scale};
  }
  if (dynamic_cast<const StandardNormal*>(&p) != nullptr) {
    return {torch::zeros(shape, torch::kFloat64), torch::ones(shape, torch::kFloat64)};
  }
  return {};
}

/// A normal q in units of the prior, over the cells.
struct PosteriorCells {
  double loc, inverse;

  /// Where a cell begins, in q's own deviations from its mean.
  double lower(int64_t cell) const {
    if (cell <= 0) return -HUGE_VAL;
    if (cell >= kCells) return HUGE_VAL;
    return (standard_cells().lower[static_cast<size_t>(cell)] - loc) * inverse;
  }
  /// Places below a share of q. Cells may have none: what was drawn has some.
  static uint32_t places(double share) {
    return static_cast<uint32_t>(share * (1U << kPosteriorBits));
  }
  uint32_t start(int64_t cell) const { return places(exact::normal_cdf(lower(cell))); }

  /// A cell and the places before it and before the next one.
  struct Found {
    int64_t cell;
    uint32_t start, end;
  };
  /// The cell that holds a place: near where q's own quantile lies.
  Found holding(uint32_t place) const {
    const auto& cells = standard_cells();
    const double z = loc + cells.middle[place >> (kPosteriorBits - kGridBits)] / inverse;
    const int64_t near =
        std::upper_bound(cells.lower.begin(), cells.lower.end(), z) - cells.lower.begin() - 1;
    constexpr size_t kNear = 8;
    const int64_t first = near - static_cast<int64_t>(kNear / 2) + 1;
    std::array<double, kNear> shares;
    for (size_t i = 0; i < kNear; ++i) shares[i] = lower(first + static_cast<int64_t>(i));
    exact::normal_cdf(shares.data(), shares.data(), kNear);
    for (size_t i = 0; i + 1 < kNear; ++i) {
      const uint32_t begin = places(shares[i]), end = places(shares[i + 1]);
      if (begin <= place && place < end) return {first + static_cast<int64_t>(i), begin, end};
    }
    const int64_t cell = searched(place, near);
    return {cell, start(cell), start(cell + 1)};
  }

 private:
  int64_t searched(uint32_t place, int64_t low) const {
    int64_t high = low + 1;
    for (int64_t step = 1; start(low) > place; step *= 2) {
      high = low;
      low = std::max<int64_t>(low - step, 0);
    }
    for (int64_t step = 1; start(high) <= place; step *= 2) {
      low = high;
      high = std::min(high + step, kCells);
    }
    while (high - low > 1) {
      const int64_t middle = (low + high) / 2;
      (start(middle) <= place ? low : high) = middle;
    }
    return low;
  }
};

uint32_t turn_at(uint64_t key, int64_t i) {
  return static_cast<uint32_t>(bits_at(key, static_cast<uint64_t>(i)) >> (64 - kPosteriorBits));
}

/// f(place, posterior) for each number.
template <class F>
void each_posterior(const Tensor& loc, const Tensor& scale, const Distribution& q,
                    const Shape& shape, F f) {
  const auto [q_loc, q_scale] = normal_parts(q, shape);
  check(q_loc.defined(),
        "[compress] posterior: it is not a normal distribution of each number, which coding needs");
  const auto *a = loc.data_ptr<double>(), *b = scale.data_ptr<double>(),
             *c = q_loc.data_ptr<double>(), *d = q_scale.data_ptr<double>();
  for (int64_t i = 0; i < loc.numel(); ++i) {
    check(std::isfinite(c[i]) && d[i] > 0 && b[i] > 0, "[compress] posterior: it is not finite");
    f(i, PosteriorCells{(c[i] - a[i]) / b[i], b[i] / d[i]});
  }
}

}  // namespace

bool NormalGrid::suits(const Distribution& p) {
  return dynamic_cast<const Normal*>(&p) != nullptr ||
         dynamic_cast<const StandardNormal*>(&p) != nullptr;
}

NormalGrid::NormalGrid(const std::string& site, const Dist& p, const Shape& shape) : shape_(shape) {
  if (p) std::tie(loc_, scale_) = normal_parts(*p, shape);
  check(loc_.defined(), "[compress] ", site,
        ": its prior is not a normal distribution of each number, which coding needs");
}

Tensor NormalGrid::pop(const Distribution& q, uint64_t key, AnsStack& from) const {
  auto cells = torch::empty(shape_, torch::kInt32);
  auto* to = cells.data_ptr<int32_t>();
  each_posterior(loc_, scale_, q, shape_, [&](int64_t i, const PosteriorCells& own) {
    const uint32_t turn = turn_at(key, i);
    const auto found = own.holding(from.peek(kPosteriorBits, turn));
    from.pop(found.start, found.end - found.start, kPosteriorBits, turn);
    to[i] = static_cast<int32_t>(found.cell);
  });
  return cells;
}

std::vector<Interval> NormalGrid::intervals(const Distribution& q, uint64_t key,
                                            const Tensor& cells) const {
  const auto* given = cells.data_ptr<int32_t>();
  std::vector<double> shares;  // of q below each cell, and below the next one
  shares.reserve(2 * static_cast<size_t>(cells.numel()));
  each_posterior(loc_, scale_, q, shape_, [&](int64_t i, const PosteriorCells& own) {
    for (const int64_t cell : {given[i], given[i] + 1}) shares.push_back(own.lower(cell));
  });
  exact::normal_cdf(shares.data(), shares.data(), static_cast<int64_t>(shares.size()));
  std::vector<Interval> all;
  all.reserve(shares.size() / 2);
  for (size_t i = 0; i < shares.size(); i += 2) {
    const uint32_t start = PosteriorCells::places(shares[i]);
    all.push_back({start, PosteriorCells::places(shares[i + 1]) - start, kPosteriorBits,
                   turn_at(key, static_cast<int64_t>(i / 2))});
  }
  return all;
}

Tensor NormalGrid::values(const Tensor& cells) const {
  auto z = torch::empty(shape_, torch::kFloat32);
  auto* to = z.data_ptr<float>();
  const auto* given = cells.data_ptr<int32_t>();
  const auto *loc = loc_.data_ptr<double>(), *scale = scale_.data_ptr<double>();
  for (int64_t i = 0; i < z.numel(); ++i) {
    const double middle = standard_cells().middle[static_cast<size_t>(given[i])];
    to[i] = static_cast<float>(loc[i] + scale[i] * middle);
  }
  return z;
}

Tensor NormalGrid::read(AnsStack& from) const {
  auto cells = torch::empty(shape_, torch::kInt32);
  auto* to = cells.data_ptr<int32_t>();
  for (int64_t i = 0; i < cells.numel(); ++i) {
    const uint32_t cell = from.peek(kGridBits);
    from.pop(cell, 1, kGridBits);
    to[i] = static_cast<int32_t>(cell);
  }
  return cells;
}

void NormalGrid::push(AnsStack& to, const Tensor& cells) {
  const auto* given = cells.data_ptr<int32_t>();
  for (int64_t i = cells.numel(); i-- > 0;) {
    to.push(static_cast<uint32_t>(given[i]), 1, kGridBits);
  }
}

}  // namespace elbo

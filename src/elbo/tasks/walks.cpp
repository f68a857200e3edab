#include "elbo/tasks/walks.h"

#include <ATen/ops/_unique.h>

#include <algorithm>

namespace elbo {
namespace {

/// Shoemake's slerp: the norm stays near that of the prior's draws.
Tensor on_sphere(const Tensor& a, const Tensor& b, const Tensor& t) {
  const auto cosine = (a * b).sum() / (a.norm() * b.norm()).clamp_min(1e-12);
  const auto angle = cosine.clamp(-1, 1).acos();
  const auto sine = angle.sin();
  if (sine.item<double>() < 1e-4) return a + t * (b - a);
  return ((1 - t) * angle).sin() / sine * a + (t * angle).sin() / sine * b;
}

/// `steps` of the values that occur, from the smallest to the largest.
Tensor occurring(const Tensor& values, int64_t steps) {
  const auto different = std::get<0>(at::_unique(values.contiguous(), /*sorted=*/true));
  const auto last = static_cast<double>(different.size(0) - 1);
  return different.index_select(0, torch::linspace(0, last, steps).round().to(torch::kInt64));
}

/// Shares of the way at which the numbers that differ [1, D] become those of the end, one after
/// the other.
Tensor turns(const Tensor& differ) {
  const auto place = differ.to(torch::kFloat32).cumsum(1);
  return place / place.max().clamp_min(1);
}

}  // namespace

std::vector<int64_t> most_used(const CodeLayout& layout, const Tensor& use, int64_t n) {
  constexpr double kUsed = 0.1;  // of what the most used place is
  const auto order = use.argsort(0, /*descending=*/true);
  const double most = use.numel() > 0 ? use.max().item<double>() : 0;
  std::vector<int64_t> all;
  const auto add = [&](int64_t place) {
    const bool known = std::find(all.begin(), all.end(), place) != all.end();
    if (!known && static_cast<int64_t>(all.size()) < n) all.push_back(place);
  };
  for (const auto& part : layout.parts) {
    if (part.size == 0) continue;
    const auto best = use.narrow(0, part.offset, part.size).argmax().item<int64_t>() + part.offset;
    if (layout.parts.size() > 1 && use[best].item<double>() > kUsed * most) add(best);
  }
  for (int64_t i = 0; i < use.size(0); ++i) add(order[i].item<int64_t>());
  std::stable_sort(all.begin(), all.end(), [&](int64_t a, int64_t b) {
    return use[a].item<double>() > use[b].item<double>();
  });
  return all;
}

Traversal traversal(const CodeLayout& layout, const Tensor& seen, int64_t row, int64_t lines,
                    int64_t steps, double reach) {
  Traversal t;
  t.center = seen.mean(0);
  t.spread = seen.std(0, /*unbiased=*/false);
  t.dimensions = most_used(layout, t.spread, lines);
  lines = static_cast<int64_t>(t.dimensions.size());
  t.codes = seen[row].unsqueeze(0).repeat({lines * steps, 1});
  const auto offsets = torch::linspace(-reach, reach, steps);
  const auto whole = layout.whole();
  for (int64_t line = 0; line < lines; ++line) {
    const auto d = t.dimensions[static_cast<size_t>(line)];
    const auto values = whole[d].item<bool>() ? occurring(seen.select(1, d), steps)
                                              : t.center[d] + offsets * t.spread[d];
    t.codes.select(1, d).narrow(0, line * steps, steps).copy_(values);
  }
  return t;
}

Tensor walk(const CodeLayout& layout, const Tensor& a_, const Tensor& b_, int64_t steps,
            const std::string& path) {
  const auto t = torch::linspace(0, 1, steps).unsqueeze(1);
  std::vector<Tensor> parts;
  for (const auto& part : layout.parts) {
    const auto a = a_.narrow(0, part.offset, part.size).unsqueeze(0);
    const auto b = b_.narrow(0, part.offset, part.size).unsqueeze(0);
    if (part.whole) {
      parts.push_back(torch::where(t >= turns(a != b), b, a));
    } else {
      parts.push_back(path == "sphere" ? on_sphere(a, b, t) : a + t * (b - a));
    }
  }
  return torch::cat(parts, 1);
}

}  // namespace elbo

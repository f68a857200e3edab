#include "elbo/latents/tree_beliefs.h"

#include "elbo/distributions/states.h"

namespace elbo {
namespace {

constexpr double kLeastMass = 1e-37;  // of float32

Tensor whole(const Tensor& z, int64_t column) { return z.select(1, column).to(torch::kInt64); }

/// Classes of all columns, parents first: pick(weights [n, H]) -> [n]. `below` as in ClassesGiven;
/// empty = nothing known.
template <class Pick>
Tensor downward(const ClassTree& of, const std::vector<Tensor>& below, int64_t n, Pick pick) {
  std::vector<Tensor> classes(of.tree.parent.size());
  for (const int64_t j : of.tree.order) {
    const auto at = static_cast<size_t>(j);
    const int64_t parent = of.tree.parent[at];
    auto weights = parent < 0 ? of.root.unsqueeze(0).expand({n, -1})
                              : of.links[j].index_select(0, classes[static_cast<size_t>(parent)]);
    if (!below.empty()) weights = weights * below[at];
    classes[at] = pick(weights);
  }
  return torch::stack(classes, 1).to(torch::kFloat32);
}

Tensor likeliest(const Tensor& weights) { return weights.argmax(1); }

/// log p(z_j | z_parent) [n] of one column.
Tensor log_step(const ClassTree& of, const Tensor& z, int64_t j) {
  const int64_t parent = of.tree.parent[static_cast<size_t>(j)];
  const auto own = whole(z, j);
  const auto p =
      parent < 0 ? of.root.index_select(0, own)
                 : of.links[j].flatten().index_select(0, whole(z, parent) * of.root.size(0) + own);
  return p.clamp_min(kLeastMass).log();
}

/// Rows over their largest number, whose logarithm is added to `log_scale`; it carries no gradient:
/// it is taken out and put in again.
Tensor scaled(const Tensor& x, Tensor& log_scale) {
  const auto most = x.detach().amax(1, true).clamp_min(kLeastMass);
  log_scale = log_scale + most.log().squeeze(1);
  return x / most;
}

std::shared_ptr<const ClassTree> without_gradient(const ClassTree& of) {
  return std::make_shared<ClassTree>(ClassTree{of.tree, of.root.detach(), of.links.detach()});
}

Tensor rows_of_draw(const Tensor& drawn, torch::IntArrayRef prefix, torch::IntArrayRef rows) {
  auto shape = prefix.vec();
  shape.insert(shape.end(), rows.begin(), rows.end());
  shape.push_back(drawn.size(1));
  return drawn.view(shape);
}

}  // namespace

Tensor ClassesOfTree::log_prob(const Tensor& z) const {
  std::vector<Tensor> steps;
  for (int64_t j = 0; j < of->columns(); ++j) steps.push_back(log_step(*of, z, j));
  return torch::stack(steps, 1);
}

Tensor ClassesOfTree::sample(torch::IntArrayRef prefix) const {
  torch::NoGradGuard no_gradient;
  const int64_t n = numel(prefix.vec());
  return rows_of_draw(downward(*of, {}, n, drawn_by), prefix, {});
}

Tensor ClassesOfTree::mean() const { return downward(*of, {}, 1, likeliest).squeeze(0); }

Dist ClassesOfTree::detached() const {
  return std::make_shared<ClassesOfTree>(without_gradient(*of));
}

ClassesGiven::ClassesGiven(std::shared_ptr<const ClassTree> tree, const Tensor& log_cells)
    : of(std::move(tree)), below(of->tree.parent.size()), upward(below.size()) {
  const auto most = log_cells.detach().amax(1, true);  // [n, 1, D]
  log_evidence = most.sum({1, 2});
  const auto cells = (log_cells - most).exp();
  const auto& order = of->tree.order;
  for (auto j = order.rbegin(); j != order.rend(); ++j) {
    const auto at = static_cast<size_t>(*j);
    const auto own = cells.select(2, *j);
    below[at] = scaled(below[at].defined() ? below[at] * own : own, log_evidence);
    const int64_t parent = of->tree.parent[at];
    if (parent < 0) {
      log_evidence = log_evidence + below[at].mv(of->root).clamp_min(kLeastMass).log();
      continue;
    }
    upward[at] = below[at].mm(of->links[*j].t());
    auto& above = below[static_cast<size_t>(parent)];
    const auto message = scaled(upward[at], log_evidence);
    above = above.defined() ? above * message : message;
  }
}

std::shared_ptr<const ClassesGiven> ClassesGiven::tiled(int64_t samples) const {
  auto copy = std::make_shared<ClassesGiven>(*this);
  if (samples == 1) return copy;
  for (auto& b : copy->below) b = tile(b, samples);
  for (auto& u : copy->upward) u = tile(u, samples);
  copy->log_evidence = tile(log_evidence, samples);
  return copy;
}

Tensor ClassesGiven::log_prob(const Tensor& z) const {
  std::vector<Tensor> steps;
  for (int64_t j = 0; j < of->columns(); ++j) {
    const auto at = static_cast<size_t>(j);
    const int64_t parent = of->tree.parent[at];
    const auto own = below[at].gather(1, whole(z, j).unsqueeze(1)).squeeze(1);
    const auto all = parent < 0 ? below[at].mv(of->root)
                                : upward[at].gather(1, whole(z, parent).unsqueeze(1)).squeeze(1);
    steps.push_back(log_step(*of, z, j) + own.clamp_min(kLeastMass).log() -
                    all.clamp_min(kLeastMass).log());
  }
  return torch::stack(steps, 1);
}

Tensor ClassesGiven::sample(torch::IntArrayRef prefix) const {
  torch::NoGradGuard no_gradient;
  const int64_t copies = numel(prefix.vec()), n = log_evidence.size(0);
  const auto rows = tiled(copies);
  return rows_of_draw(downward(*of, rows->below, copies * n, drawn_by), prefix, {n});
}

Tensor ClassesGiven::mean() const { return downward(*of, below, log_evidence.size(0), likeliest); }

Dist ClassesGiven::detached() const {
  auto copy = std::make_shared<ClassesGiven>(*this);
  copy->of = without_gradient(*of);
  for (auto& b : copy->below) b = b.detach();
  for (auto& u : copy->upward) u = u.defined() ? u.detach() : u;
  copy->log_evidence = log_evidence.detach();
  return copy;
}

}  // namespace elbo

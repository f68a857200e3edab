#include "elbo/model/latent.h"

#include <algorithm>
#include <cmath>

#include "elbo/core/light.h"
#include "elbo/kernels/choice.h"
#include "elbo/model/site_values.h"

namespace elbo {

Registry<Head, const Context&>& heads() {
  static Registry<Head, const Context&> registry("head");
  return registry;
}

std::shared_ptr<Head> make_head(const Context& at, const Json& declaration) {
  auto head = heads().make(at, declaration);
  const auto role = head->reads_condition() ? Role::kFeatures : at.role;
  if (head->fits(role)) return head;
  fail("[head ",
       declaration.is_string() ? declaration.get<std::string>()
                               : declaration["type"].get<std::string>(),
       "] place: ",
       role == Role::kFree
           ? "it reads features, which a free prior has none of; free priors are mixture, normal, …"
           : "it takes no features, use it as a prior");
}

Registry<Latent, const LatentPlan&>& latents() {
  static Registry<Latent, const LatentPlan&> registry("latent");
  return registry;
}

Tensor Site::log_posterior() const {
  return log_q.defined() ? row_sum(log_q) : posterior->row_log_prob(value);
}

Tensor Site::log_prior() const { return prior->row_log_prob(value); }

Tensor Site::kl() const {
  if (posterior) {
    if (auto closed = elbo::kl(*posterior, *prior)) return *closed;
  }
  // Summed first: the two densities may differ in shape (a flow has one number per row).
  return log_posterior() - log_prior();
}

Tensor Site::kl_per_dimension() const {
  if (posterior) {
    if (auto closed = kl_components(*posterior, *prior)) return closed->flatten(1);
  }
  if (!log_q.defined() && !posterior) return Tensor();
  const auto q = log_q.defined() ? log_q : posterior->log_prob(value), p = prior->log_prob(value);
  if (p.sizes() != q.sizes() || q.dim() < 2) return Tensor();
  return (q - p).flatten(1);
}

Site draw_site(std::string name, Dist q, Dist p, bool mean_only) {
  Site site{std::move(name), Tensor(), Tensor(), std::move(q), std::move(p)};
  if (auto* values = SiteValues::current()) {
    site.value = values->inferred(site.name, site.posterior, site.prior);
  } else if (mean_only) {
    site.value = site.posterior->mean();
  } else if (site.posterior->knows_own_draws()) {
    std::tie(site.value, site.log_q) = site.posterior->sample_and_log_prob();
  } else {
    site.value = site.posterior->sample();
  }
  return site;
}

Tensor equal_weights(int64_t samples, const Tensor& like) {
  const int64_t s = std::max<int64_t>(samples, 1);
  const double log_weight = -std::log(static_cast<double>(s));
  if (!is_cpu_float(like) || plain_operations()) {
    return torch::full({s, like.size(0) / s}, log_weight, like.options().dtype(torch::kFloat32));
  }
  auto weights = empty_floats({s, like.size(0) / s});
  std::fill_n(weights.data_ptr<float>(), weights.numel(), static_cast<float>(log_weight));
  return weights;
}

Tensor fixed_or_draw(const std::string& name, const Dist& prior, int64_t n, const Values& fixed,
                     bool conditional) {
  const auto at = fixed.find(name);
  if (at != fixed.end()) {
    const Tensor& value = at->second;
    check(value.size(0) == n || value.size(0) == 1, "[", name, "] fixed value has ", value.size(0),
          " rows, expected 1 or ", n);
    auto shape = value.sizes().vec();
    shape[0] = n;
    return value.expand(shape);
  }
  if (auto* values = SiteValues::current()) return values->generated(name, prior, n, conditional);
  return conditional ? prior->sample() : prior->sample({n});
}

void check_fixed(const Values& fixed, const std::vector<std::string>& sites) {
  for (const auto& [name, value] : fixed) {
    check(std::find(sites.begin(), sites.end(), name) != sites.end(), "[fix] unknown \"", name,
          "\"; known: ", join(sites));
  }
}

}  // namespace elbo

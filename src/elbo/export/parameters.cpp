#include "elbo/distributions/composite.h"
#include "elbo/distributions/continuous.h"
#include "elbo/distributions/discrete.h"
#include "elbo/export/parts.h"

namespace elbo {
namespace {

using Read = NamedTensors (*)(const Distribution&);

template <class D>
const D& as(const Distribution& d) {
  return static_cast<const D&>(d);
}

template <class D>
NamedTensors logits(const Distribution& d) {
  return {{"logits", as<D>(d).logits}};
}
template <class D>
NamedTensors loc_scale(const Distribution& d) {
  return {{"loc", as<D>(d).loc}, {"scale", as<D>(d).scale}};
}
template <class D>
NamedTensors loc_log_scale(const Distribution& d) {
  return {{"loc", as<D>(d).loc}, {"log_scale", as<D>(d).log_scale}};
}

const std::vector<std::pair<std::type_index, Read>>& families() {
  static const std::vector<std::pair<std::type_index, Read>> all{
      {typeid(Bernoulli), logits<Bernoulli>},
      {typeid(ContinuousBernoulli), logits<ContinuousBernoulli>},
      {typeid(Categorical), logits<Categorical>},
      {typeid(OneHot), logits<OneHot>},
      {typeid(Normal),
       [](const Distribution& d) {
         return NamedTensors{{"loc", as<Normal>(d).loc()},
                             {"log_scale", as<Normal>(d).log_scale()}};
       }},
      {typeid(DiscretizedLogistic), loc_log_scale<DiscretizedLogistic>},
      {typeid(Laplace), loc_scale<Laplace>},
      {typeid(Logistic), loc_scale<Logistic>},
      {typeid(StudentT),
       [](const Distribution& d) {
         return NamedTensors{{"df", as<StudentT>(d).df},
                             {"loc", as<StudentT>(d).loc},
                             {"scale", as<StudentT>(d).scale}};
       }},
      {typeid(Poisson),
       [](const Distribution& d) {
         return NamedTensors{{"log_rate", as<Poisson>(d).log_rate}};
       }},
      {typeid(NegativeBinomial),
       [](const Distribution& d) {
         return NamedTensors{{"log_mean", as<NegativeBinomial>(d).log_mean},
                             {"log_total", as<NegativeBinomial>(d).log_total}};
       }},
      {typeid(Beta),
       [](const Distribution& d) {
         return NamedTensors{{"alpha", as<Beta>(d).alpha}, {"beta", as<Beta>(d).beta}};
       }},
      {typeid(Gamma),
       [](const Distribution& d) {
         return NamedTensors{{"concentration", as<Gamma>(d).concentration},
                             {"rate", as<Gamma>(d).rate}};
       }},
      {typeid(LogisticMixture),
       [](const Distribution& d) {
         const auto& m = as<LogisticMixture>(d);
         return NamedTensors{{"logits", m.logits}, {"loc", m.loc}, {"log_scale", m.log_scale}};
       }},
  };
  return all;
}

}  // namespace

NamedTensors distribution_parameters(const Distribution& distribution) {
  const auto* affine = dynamic_cast<const Affine*>(&distribution);
  const auto& base = affine ? *affine->base : distribution;
  for (const auto& [type, read] : families()) {
    if (type != typeid(base)) continue;
    auto list = read(base);
    // A shift and a scale of the data themselves are part of a location and its scale.
    for (auto& [name, value] : list) {
      if (!affine) break;
      if (name == "loc") value = affine->loc + affine->scale * value;
      if (name == "scale") value = affine->scale.abs() * value;
      if (name == "log_scale") value = affine->scale.abs().log() + value;
    }
    return list;
  }
  return {};
}

}  // namespace elbo

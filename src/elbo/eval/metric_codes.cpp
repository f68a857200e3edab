#include <cmath>

#include "elbo/distributions/continuous.h"
#include "elbo/eval/information.h"
#include "elbo/eval/metric.h"

namespace elbo {
namespace {

std::vector<double> list_of(const Tensor& x) {
  const auto v = x.to(torch::kFloat64).contiguous();
  return {v.data_ptr<double>(), v.data_ptr<double>() + v.numel()};
}

/// One draw of every judged row's code, with the beliefs about it.
struct Drawn {
  Tensor mean, deviation, z, log_prior, dimension_log_prior, kl;
};
Drawn draw_codes(Subject& s) {
  std::vector<Tensor> mean, deviation, z, log_prior, dimension_log_prior, kl;
  const int64_t block = block_rows(s.schemas());
  for (int64_t from = 0; from < s.size(); from += block) {
    const auto here = slice(s.batch(), from, std::min(s.size(), from + block));
    const auto trace = s.model().latent->infer(here, 1);
    const Site* site = trace.sites.empty() ? nullptr : &trace.sites[0];
    const bool fits = trace.sites.size() == 1 && site->value.dim() == 2 &&
                      dynamic_cast<const Normal*>(site->posterior.get()) != nullptr;
    check(fits, "[metric] information: needs one code with a diagonal normal posterior");
    mean.push_back(site->posterior->mean().expand_as(site->value));
    deviation.push_back(site->posterior->stddev().expand_as(site->value));
    z.push_back(site->value);
    const auto p = site->prior->log_prob(site->value);
    log_prior.push_back(row_sum(p));
    if (p.sizes() == site->value.sizes()) dimension_log_prior.push_back(p);
    kl.push_back(site->kl_per_dimension());
  }
  Drawn d{torch::cat(mean), torch::cat(deviation), torch::cat(z), torch::cat(log_prior), Tensor(),
          Tensor()};
  if (!dimension_log_prior.empty()) d.dimension_log_prior = torch::cat(dimension_log_prior);
  if (kl[0].defined()) d.kl = torch::cat(kl);
  return d;
}

const bool information_added = metrics().add<NoOptions>(
    "information",
    "Information of codes about rows, and distance of their aggregate from the prior, in nats",
    [](const NoOptions&) {
      return make_metric({"real code"}, [](Subject& s) -> Json {
        check(!s.schemas().c.present(), "[metric] information: the prior depends on a condition");
        const auto d = draw_codes(s);
        const auto i =
            code_information(d.mean, d.deviation, d.z, d.log_prior, d.dimension_log_prior);
        const auto variance = d.mean.to(torch::kFloat64).var(0, false);
        Json j{{"information", i.information},
               {"information_at_most", std::log(static_cast<double>(s.size()))},
               {"aggregate_gap", i.gap},
               {"total_correlation", i.total_correlation},
               {"active_units", (variance > 0.01).sum().item<int64_t>()},
               {"dimension_information", list_of(i.dimension_information)},
               {"mean_variance", list_of(variance)},
               {"protocol", {{"rows", s.size()}, {"draws", 1}, {"units", "nats"}}}};
        if (i.dimension_gap.defined()) j["dimension_gap"] = list_of(i.dimension_gap);
        if (d.kl.defined()) j["dimension_kl"] = list_of(d.kl.mean(0));
        return j;
      });
    });

const bool codebook_added = metrics().add<NoOptions>(
    "codebook", "Number of codes in use in each codebook", [](const NoOptions&) {
      return make_metric({}, [](Subject& s) -> Json {
        check(!s.code_use().is_null(), "[metric] codebook: the model has none");
        Json j = s.code_use();
        j["protocol"] = {{"rows", s.size()}};
        return j;
      });
    });

}  // namespace
}  // namespace elbo

#include <cmath>

#include "elbo/eval/chart.h"
#include "elbo/eval/information.h"
#include "elbo/eval/metric.h"

namespace elbo {
namespace {

/// One draw of every judged row's code, with the beliefs about it.
struct Drawn {
  std::vector<Dist> posteriors;
  Tensor mean, z, log_prior, dimension_log_prior, kl;
};
Drawn draw_codes(Subject& s) {
  Drawn d;
  std::vector<Tensor> mean, z, log_prior, dimension_log_prior, kl;
  const int64_t block = block_rows(s.schemas());
  for (int64_t from = 0; from < s.size(); from += block) {
    const auto here = slice(s.batch(), from, std::min(s.size(), from + block));
    const auto trace = s.model().latent->infer(here, 1);
    const Site* site = trace.sites.empty() ? nullptr : &trace.sites[0];
    const bool fits = trace.sites.size() == 1 && site->value.dim() == 2 && site->posterior &&
                      site->posterior->factorises();
    check(fits, "[metric] information: needs one code whose posterior's density splits into ",
          "dimensions");
    d.posteriors.push_back(site->posterior);
    mean.push_back(site->posterior->mean().expand_as(site->value));
    z.push_back(site->value);
    const auto p = site->prior->log_prob(site->value);
    log_prior.push_back(row_sum(p));
    if (p.sizes() == site->value.sizes()) dimension_log_prior.push_back(p);
    kl.push_back(site->kl_per_dimension());
  }
  d.mean = torch::cat(mean);
  d.z = torch::cat(z);
  d.log_prior = torch::cat(log_prior);
  if (!dimension_log_prior.empty()) d.dimension_log_prior = torch::cat(dimension_log_prior);
  if (kl[0].defined()) d.kl = torch::cat(kl);
  return d;
}

/// Bars for each dimension of the code; a KL is its information and its gap.
Json dimension_chart(const CodeInformation& i, const Tensor& kl) {
  Chart chart{Chart::Form::kBars, "Information", "dimension", "nats of each dimension", {}, {}};
  const int64_t dimensions = i.dimension_information.numel();
  for (int64_t d = 0; d < dimensions; ++d) chart.names.push_back("z" + std::to_string(d));
  const auto add = [&](const char* name, const Tensor& values) {
    if (!values.defined() || values.numel() != dimensions) return;
    chart.lines.push_back({name, {}, doubles_of(values)});
  };
  add("information", i.dimension_information);
  add("prior gap", i.dimension_gap);
  add("KL", kl);
  return Json::array({to_json(chart)});
}

const bool information_added = metrics().add<NoOptions>(
    "information",
    "Information of codes about rows, and distance of their aggregate from the prior, in nats",
    [](const NoOptions&) {
      return make_metric({"real code"}, [](Subject& s) -> Json {
        check(!s.schemas().c.present(), "[metric] information: the prior depends on a condition");
        const auto d = draw_codes(s);
        const auto i = code_information(d.posteriors, d.z, d.log_prior, d.dimension_log_prior);
        const auto variance = d.mean.to(torch::kFloat64).var(0, false);
        Json j{{"information", i.information},
               {"information_at_most", std::log(static_cast<double>(s.size()))},
               {"aggregate_gap", i.gap},
               {"total_correlation", i.total_correlation},
               {"active_units", (variance > 0.01).sum().item<int64_t>()},
               {"dimension_information", doubles_of(i.dimension_information)},
               {"mean_variance", doubles_of(variance)},
               {"charts", dimension_chart(i, d.kl.defined() ? d.kl.mean(0) : Tensor())},
               {"protocol", {{"rows", s.size()}, {"draws", 1}, {"units", "nats"}}}};
        if (i.dimension_gap.defined()) j["dimension_gap"] = doubles_of(i.dimension_gap);
        if (d.kl.defined()) j["dimension_kl"] = doubles_of(d.kl.mean(0));
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

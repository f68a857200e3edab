#include <cmath>
#include <sstream>

#include "elbo/data/row_view.h"
#include "elbo/eval/diagnose.h"

namespace elbo {
namespace {

constexpr double kActiveVariance = 0.01;  // of a posterior mean over rows (Burda et al. 2016)
constexpr double kLeastInUse = 0.2;       // share of dimensions
constexpr double kMostGap = 0.5;          // nats of a dimension from the prior
constexpr double kMostCode = 50;          // size of a posterior mean
constexpr double kLeastNats = 1;          // of KL that a text's code should hold
constexpr int64_t kRowsOfKl = 512;
constexpr double kLeastCodes = 0.1;  // perplexity as a share of the codes

template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  out.precision(3);
  (out << ... << parts);
  return out.str();
}

/// Columns of the codes that are real numbers.
Tensor real_columns(Subject& s) {
  std::vector<Tensor> parts;
  for (const auto& part : s.layout().parts) {
    if (!torch::isFloatingType(part.type)) continue;
    parts.push_back(s.codes().mean.narrow(1, part.offset, part.size));
  }
  return parts.empty() ? Tensor() : torch::cat(parts, 1).to(torch::kFloat64);
}

std::string weaker_kl(double beta) {
  return beta > 1 ? "--set objective.beta=1"
                  : "--set objective.free_bits=0.25, or --set 'objective.beta=linear(0, 1, 10e)'";
}

void find_unused(Subject& s, const Tensor& means, std::vector<Finding>& findings) {
  const double beta = s.objective()->kl_weight(kEndOfTraining);
  const auto d = static_cast<double>(means.size(1));
  const double active = (means.var(0, false) > kActiveVariance).sum().item<double>();
  const std::string figure = "share of latent dimensions in use";
  const auto why = beta > 1 ? text(", and the KL is weighed ", beta, " times") : std::string();
  if (active == 0) {
    findings.push_back({"posterior_collapse",
                        text("The posterior has collapsed: none of ", d,
                             " latent dimensions depends on the data", why),
                        figure, 0, 1 / d, weaker_kl(beta)});
  } else if (active < kLeastInUse * d) {
    const bool strong = beta > 1;
    findings.push_back(
        {strong ? "over_regularised" : "unused_dimensions",
         text("Only ", active, " of ", d, " latent dimensions are in use", why), figure, active / d,
         kLeastInUse,
         strong ? weaker_kl(beta)
                : text("--set latent.size=", 2 * active,
                       " trains faster and as well; --set objective.free_bits=0.1 --set "
                       "objective.free_bits_per=dimension uses more of them")});
  }
}

/// A strong sequence network learns to write without its code, long before all dimensions are dead.
bool find_silent_code(Subject& s, std::vector<Finding>& findings) {
  torch::NoGradGuard no_gradient;
  const auto few = slice(s.batch(), 0, std::min<int64_t>(kRowsOfKl, s.size()));
  const auto trace = s.model().latent->infer(few, 1).sites;
  double nats = 0;
  for (const auto& site : trace) {
    if (site.posterior) nats += site.kl().mean().item<double>();
  }
  if (nats >= kLeastNats) return false;
  findings.push_back(
      {"posterior_collapse",
       text("The posterior has collapsed: texts are written without their codes, "
            "which hold ",
            nats, " nats"),
       "KL of a row, nats", nats, kLeastNats,
       "--set objective.free_bits=6, or --set 'objective.beta=cycle(0, 0.5, 2e, "
       "0.5)', --set objective.type=aggressive, --set objective.type=kl_target --set "
       "objective.target=8, --set likelihood.word_dropout=0.3"});
  return true;
}

void find_explosion(const Tensor& means, std::vector<Finding>& findings) {
  const double largest = means.abs().max().item<double>();
  if (std::isfinite(largest) && largest <= kMostCode) return;
  findings.push_back(
      {"exploding_codes",
       text("Codes have left the prior's neighbourhood: a posterior mean is ", largest),
       "largest posterior mean", largest, kMostCode,
       "--set objective.beta=1, --clip 10 or a smaller --lr"});
}

/// Mean and deviation [d] of a prior that is one for all rows and splits into dimensions; else
/// undefined.
std::pair<Tensor, Tensor> moments_of_prior(const Distribution& prior, const Tensor& z) {
  const auto deviation = prior.stddev();
  if (!deviation.defined() || !prior.factorises()) return {};
  const auto mean = prior.mean().expand_as(z), wide = deviation.expand_as(z);
  const bool one = (mean == mean[0]).all().item<bool>() && (wide == wide[0]).all().item<bool>();
  if (!one || !wide.isfinite().all().item<bool>()) return {};
  return {mean[0].to(torch::kFloat64), wide[0].to(torch::kFloat64)};
}

/// Draws of the prior fall where no data lie: of each dimension the KL of the aggregate posterior
/// from the prior, both taken as normals.
void find_holes(Subject& s, const Tensor& means, std::vector<Finding>& findings) {
  const auto trace = s.model().latent->infer(slice(s.batch(), 0, 2), 1);
  const bool one =
      trace.sites.size() == 1 && trace.sites[0].prior && trace.sites[0].value.dim() == 2;
  if (!one) return;
  const auto [centre, width] = moments_of_prior(*trace.sites[0].prior, trace.sites[0].value);
  if (!centre.defined() || centre.size(0) != means.size(1)) return;
  const auto deviation = s.codes().deviation.to(torch::kFloat64).nan_to_num(0);
  const auto mean = means.mean(0);
  const auto variance = means.var(0, false) + deviation.square().mean(0);
  const auto ratio = variance / width.square();
  const auto gap =
      0.5 * (ratio + ((mean - centre) / width).square() - 1 - ratio.clamp_min(1e-12).log());
  const auto [largest, at] = gap.max(0);
  if (largest.item<double>() <= kMostGap) return;
  findings.push_back(
      {"prior_gap",
       text("Codes of data and draws of the prior differ: dimension ", at.item<int64_t>(),
            " has mean ", mean[at].item<double>(), " and deviation ",
            variance[at].sqrt().item<double>(), " where the prior has ", centre[at].item<double>(),
            " and ", width[at].item<double>()),
       "largest KL of a dimension's aggregate posterior from the prior, nats",
       largest.item<double>(), kMostGap,
       "a prior fitted to the codes, e.g. --model vamp_vae or --model realnvp_prior_vae, or a "
       "larger objective.beta"});
}

/// The same of a codebook's numbers under a prior that takes all of them as equally likely.
void find_unfitted_prior(Subject& s, std::vector<Finding>& findings) {
  const auto& layout = s.layout();
  if (layout.parts.size() != 1 || !layout.parts[0].whole || s.code_use().size() != 1) return;
  const auto use = s.code_use().begin().value();
  if (!use.is_object() || use.value("codes", 0.0) < 2) return;
  const double uniform = std::log(use["codes"].get<double>());
  const auto trace = s.model().latent->infer(slice(s.batch(), 0, 1), 1);
  const double nats = kl(trace, 1).item<double>();
  constexpr double kRounding = 1e-3;
  const double all = uniform * static_cast<double>(layout.size);
  if (std::abs(nats - all) > kRounding * all) return;
  double largest = 0;
  int64_t at = 0;
  for (int64_t d = 0; d < layout.size; ++d) {
    const auto numbers = s.codes().mean.select(1, d).to(torch::kInt64).contiguous();
    const auto share = numbers.bincount().to(torch::kFloat64) / static_cast<double>(s.size());
    const double gap = uniform + torch::xlogy(share, share).sum().item<double>();
    if (gap > largest) largest = gap, at = d;
  }
  if (largest <= kMostGap) return;
  findings.push_back(
      {"unfitted_prior",
       text("Samples are codes that do not belong together: the prior takes all codes as equally "
            "likely, the data's differ from it most at position ",
            at),
       "largest KL of a position's codes from the prior, nats", largest, kMostGap,
       "a prior fitted to the codes: elbo train --from " + s.run().path().string() +
           " --out NEXT --set latent.prior=" +
           (layout.parts[0].shape.size() == 2 ? "pixel_cnn" : "transformer")});
}

/// One codebook, or the list of those of a site's stages.
void find_unused_codes(const std::string& name, const Json& use, std::vector<Finding>& findings) {
  if (use.is_array()) {
    for (size_t i = 0; i < use.size(); ++i) {
      find_unused_codes(name + ", stage " + std::to_string(i + 1), use[i], findings);
    }
    return;
  }
  const double codes = use.value("codes", 0.0), perplexity = use.value("perplexity", 0.0);
  if (codes == 0 || perplexity >= kLeastCodes * codes) return;
  findings.push_back({"unused_codes",
                      text("The codebook of ", name, " is hardly used: a perplexity of ",
                           perplexity, " of ", codes, " codes"),
                      "perplexity as a share of the codes", perplexity / codes, kLeastCodes,
                      "--set latent.update=ema, a smaller --set latent.codes, or --set "
                      "latent.window=100 to re-seed unused codes"});
}

}  // namespace

std::vector<Finding> diagnose_codes(Subject& s) {
  std::vector<Finding> findings;
  if (const auto means = real_columns(s); means.defined()) {
    const bool silent = TextView::shows(s.schemas().x) && find_silent_code(s, findings);
    if (!silent) find_unused(s, means, findings);
    // The numbers of a codebook's codes, and of classes, are names, not places.
    const bool names = !s.code_use().is_null() || s.layout().whole().all().item<bool>();
    if (!names) find_explosion(means, findings);
    if (means.size(1) == s.codes().mean.size(1)) find_holes(s, means, findings);
  }
  if (!s.code_use().is_null()) {
    for (const auto& [name, use] : s.code_use().items()) find_unused_codes(name, use, findings);
    find_unfitted_prior(s, findings);
  }
  return findings;
}

}  // namespace elbo

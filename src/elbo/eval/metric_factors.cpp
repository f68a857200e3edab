#include "elbo/eval/disentanglement.h"
#include "elbo/eval/metric.h"
#include "elbo/eval/votes.h"

namespace elbo {
namespace {

/// The first two thirds of the judged rows to fit on, the rest to judge by.
FactorSplit split(Subject& s) {
  const int64_t n = s.size(), fit = n * 2 / 3;
  const auto& codes = s.codes().mean;
  const auto& factors = s.factors();
  return {codes.narrow(0, 0, fit), factors.narrow(0, 0, fit), codes.narrow(0, fit, n - fit),
          factors.narrow(0, fit, n - fit)};
}

Json split_protocol(const Subject& s) {
  return {{"training_rows", s.size() * 2 / 3}, {"rows", s.size() - s.size() * 2 / 3}};
}

/// A score of all judged rows.
bool add_score(const char* name, const char* about,
               double (*score)(const Tensor& codes, const Tensor& factors)) {
  return metrics().add<NoOptions>(name, about, [score](const NoOptions&) {
    return make_metric({"factors", "real code"}, [score](Subject& s) -> Json {
      return {{"score", score(s.codes().mean, s.factors())}, {"protocol", {{"rows", s.size()}}}};
    });
  });
}
const bool mig = add_score("mig", "Mutual information gap of codes about factors", information_gap);
const bool modular =
    add_score("modularity", "How close each code is to depending on a single factor", modularity);
const bool irs =
    add_score("irs", "Robustness of codes to changes of other factors", interventional_robustness);

/// A score of what readers of codes learn.
bool add_split_score(const char* name, const char* about, double (*score)(const FactorSplit&)) {
  return metrics().add<NoOptions>(name, about, [score](const NoOptions&) {
    return make_metric({"factors", "real code"}, [score](Subject& s) -> Json {
      return {{"score", score(split(s))}, {"protocol", split_protocol(s)}};
    });
  });
}
const bool explicit_ = add_split_score(
    "explicitness", "Area under the ROC curve of logistic regressions to factors", explicitness);
const bool sap = add_split_score(
    "sap", "Lead of the code that best predicts a factor over the second best", attribute_gap);

const bool dci_added = metrics().add<NoOptions>(
    "dci", "Disentanglement, completeness and informativeness by boosted trees",
    [](const NoOptions&) {
      return make_metric({"factors", "real code"}, [](Subject& s) -> Json {
        const auto d = dci(split(s));
        return {{"disentanglement", d.disentanglement},
                {"completeness", d.completeness},
                {"informativeness", d.informativeness},
                {"protocol", split_protocol(s)}};
      });
    });

struct VoteCounts {
  int64_t train = 10000, test = 5000, batch = 64;
};
Json vote_protocol(const Subject& s, const VoteCounts& n) {
  return {{"training_votes", n.train},
          {"votes", n.test},
          {"group", n.batch},
          {"rows", s.size()},
          {"drawn", "rows of the judged ones, with replacement"}};
}

const bool factor_vae = metrics().add<NoOptions>(
    "factor_vae", "Accuracy of naming the fixed factor by the code that varies least",
    [](const NoOptions&) {
      return make_metric({"factors", "real code"}, [](Subject& s) -> Json {
        const VoteCounts n;
        const auto train = draw_groups(s.factors(), n.train, n.batch, false);
        const auto test = draw_groups(s.factors(), n.test, n.batch, false);
        const auto found = factor_vae_score(s.codes().mean, train, test, s.factors().size(1));
        return {{"score", found.score},
                {"active_codes", found.active_codes},
                {"protocol", vote_protocol(s, n)}};
      });
    });

const bool beta_vae = metrics().add<NoOptions>(
    "beta_vae", "Accuracy of naming the fixed factor by differences of codes",
    [](const NoOptions&) {
      return make_metric({"factors", "real code"}, [](Subject& s) -> Json {
        const VoteCounts n;
        const auto train = draw_groups(s.factors(), n.train, n.batch, true);
        const auto test = draw_groups(s.factors(), n.test, n.batch, true);
        return {{"score", beta_vae_score(s.codes().mean, train, test, s.factors().size(1))},
                {"protocol", vote_protocol(s, n)}};
      });
    });

}  // namespace
}  // namespace elbo

#include "elbo/eval/density.h"

#include <cmath>

#include "elbo/data/tokenizer.h"
#include "elbo/eval/annealed.h"

namespace elbo {
namespace {

/// Mean and standard error over rows that count by their weights, in double precision.
struct Average {
  double total = 0, sum = 0;                         // of w, w x
  double squared = 0, squared_sum = 0, squares = 0;  // of w w, w w x, w w x x
  int64_t count = 0;
  void add(const Tensor& per_row, const Tensor& weights) {
    const auto x = per_row.to(torch::kFloat64).contiguous();
    const double* values = x.data_ptr<double>();
    const double* weight = weights.data_ptr<double>();
    for (int64_t i = 0; i < x.numel(); ++i) {
      const double w = weight[i], wx = w * values[i];
      total += w;
      sum += wx;
      squared += w * w;
      squared_sum += w * wx;
      squares += wx * wx;
    }
    count += x.numel();
  }
  double mean() const { return sum / std::max(total, 1e-300); }
  double standard_error() const {
    if (count < 2) return 0;
    const double m = mean(), n = static_cast<double>(count);
    const double spread = std::max(0.0, squares - 2 * m * squared_sum + m * m * squared);
    return std::sqrt(spread * n / (n - 1)) / total;
  }
};

/// [n] weights of the first rows, 1 on average.
Tensor weights_of_first(const Dataset& data, int64_t n) {
  auto weights = data.weights();
  if (!weights.defined()) return torch::ones({n}, torch::kFloat64);
  weights = weights.narrow(0, 0, n);
  const double sum = weights.sum().item<double>();
  check(sum > 0, "[evaluate] the weights of all rows are 0");
  return (weights * (static_cast<double>(n) / sum)).contiguous();
}

/// Per-dimension KL and the variance over rows of the posterior mean (Burda et al. 2016).
struct SiteUse {
  std::string name;
  Tensor kl, mean_sum, mean_squares;
  void add(const Site& site, const Tensor& posterior_mean, const Tensor& weights) {
    const auto weighted = [&](const Tensor& x) {
      const auto particles = x.size(0) / weights.size(0);
      return x * weights.repeat({particles}).unsqueeze(1);
    };
    if (auto per_dimension = site.kl_per_dimension(); per_dimension.defined()) {
      accumulate(kl, weighted(per_dimension.to(torch::kFloat64)).sum(0));
    }
    const auto m = posterior_mean.to(torch::kFloat64).flatten(1);
    accumulate(mean_sum, weighted(m).sum(0));
    accumulate(mean_squares, weighted(m.square()).sum(0));
  }
  static void accumulate(Tensor& total, const Tensor& more) {
    total = total.defined() ? total + more : more;
  }
  Json summary(int64_t rows) const {
    const auto mean = mean_sum / rows;
    const auto variance = mean_squares / rows - mean.square();
    Json j{{"name", name},
           {"dimensions", variance.numel()},
           {"active_units", (variance > 0.01).sum().item<int64_t>()}};
    if (kl.defined()) {
      const auto per = (kl / rows).contiguous();
      j["kl"] = std::vector<double>(per.data_ptr<double>(), per.data_ptr<double>() + per.numel());
    }
    return j;
  }
};

}  // namespace

Tensor importance_log_prob(Model& model, const Batch& batch, int64_t draws, int64_t block) {
  Tensor total;  // [B] logsumexp so far
  for (int64_t done = 0; done < draws;) {
    const int64_t s = std::min(block, draws - done);
    const auto inference = model.infer(batch, s);
    // log_weight is -log s for this block (or log q(y|x)); all blocks share the same prior weight.
    const auto part = (log_ratio(inference, batch) + inference.trace.log_weight).logsumexp(0) +
                      std::log(static_cast<double>(s) / static_cast<double>(draws));
    total = total.defined() ? torch::logaddexp(total, part) : part;
    done += s;
  }
  return total;
}

Json evaluate_density(Model& model, const Dataset& data, const EvaluateOptions& options,
                      const std::function<void(double)>& progress) {
  torch::NoGradGuard no_gradient;
  RandomScope scope(options.seed);
  model.eval();
  const auto schema = data.schemas().x;
  const int64_t n = options.rows > 0 ? std::min(options.rows, data.size()) : data.size(),
                width = numel(schema.shape);
  check(n > 0, "[evaluate] the data have no rows");
  // A draw holds the row a few times over: input, features, output, density; each token of a text
  // has the features of a hidden layer.
  const int64_t bytes = schema.kind == Kind::kToken ? 16384 : 16;
  const int64_t particles = std::max<int64_t>(1, options.memory * 1000000 / (width * bytes + 4096));
  const int64_t rows = std::clamp<int64_t>(
      options.draws + options.ais > 0
          ? particles / std::max(options.ais, std::min<int64_t>(options.draws, 64))
          : 256,
      1, 256);
  const int64_t block = std::max<int64_t>(1, particles / rows);

  const auto weights = weights_of_first(data, n);
  Average amortisation, annealed, bound, reconstruction, divergence, evidence, tokens;
  std::vector<SiteUse> use;
  const Draw draw{static_cast<uint64_t>(options.seed), 0};
  for (int64_t from = 0; from < n; from += rows) {
    const auto batch = data.get(torch::arange(from, std::min(n, from + rows)), draw);
    const auto w = weights.narrow(0, from, batch.size());
    const Refinement refined(model, batch, options.refine);
    if (options.refine > 0) amortisation.add(refined.after() - refined.before(), w);
    const auto inference = model.infer(batch, 1);
    const auto weight = inference.trace.log_weight.exp();
    const auto r = (weight * log_likelihood(inference, batch)).sum(0);
    const auto k = (weight * kl(inference.trace, batch.size())).sum(0);
    bound.add(k - r, w);
    reconstruction.add(-r, w);
    divergence.add(k, w);
    if (schema.kind == Kind::kToken) tokens.add(token_mask(batch.x).sum(1), w);
    for (size_t i = 0; i < inference.trace.sites.size(); ++i) {
      const auto& site = inference.trace.sites[i];
      if (!site.posterior) continue;
      if (use.size() <= i) use.resize(i + 1);
      use[i].name = site.name;
      use[i].add(site, site.posterior->mean(), w);
    }
    if (options.draws > 0) {
      evidence.add(-importance_log_prob(model, batch, options.draws, block), w);
    }
    if (options.ais > 0) annealed.add(-annealed_log_prob(model, batch, {options.ais}), w);
    progress(static_cast<double>(std::min(n, from + rows)) / static_cast<double>(n));
  }

  Json result{{"negative_elbo", bound.mean()},
              {"negative_elbo_standard_error", bound.standard_error()},
              {"reconstruction", reconstruction.mean()},
              {"kl", divergence.mean()}};
  if (options.draws > 0) {
    result["negative_log_likelihood"] = evidence.mean();
    result["negative_log_likelihood_standard_error"] = evidence.standard_error();
  }
  if (options.ais > 0) {
    result["annealed_negative_log_likelihood"] = annealed.mean();
    result["annealed_negative_log_likelihood_standard_error"] = annealed.standard_error();
  }
  if (options.refine > 0) {
    result["amortisation_gap"] = amortisation.mean();
    result["amortisation_gap_standard_error"] = amortisation.standard_error();
    if (options.draws > 0) result["approximation_gap"] = bound.mean() - evidence.mean();
  }
  const double best = options.draws > 0 ? evidence.mean() : bound.mean();
  if (schema.kind == Kind::kToken) {
    result["tokens_per_row"] = tokens.mean();  // the end is one
    result["perplexity"] = std::exp(best / tokens.mean());
  }
  if (is_discrete(schema.kind)) {
    result["bits_per_dimension"] = best / (static_cast<double>(width) * std::log(2.0));
  }
  result["sites"] = Json::array();
  for (const auto& site : use) {
    if (site.mean_sum.defined()) result["sites"].push_back(site.summary(n));
  }
  result["protocol"] = {{"rows", n},
                        {"draws", options.draws},
                        {"refine", options.refine},
                        {"seed", options.seed},
                        {"units", "nats per row"},
                        {"binarization", schema.detail.value("binarize", "none")}};
  return result;
}

}  // namespace elbo

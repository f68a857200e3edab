#include "elbo/eval/row_score.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace elbo {
namespace {

const std::vector<std::string> kParts = {"likelihood", "elbo", "reconstruction", "latent"};
constexpr int64_t kCodeRows = 10000;  // enough for a mean and a covariance
constexpr double kTail = 0.1;

Tensor as_double(const Tensor& t) { return t.to(torch::kCPU, torch::kFloat64); }

/// Importance weights of the particles of each row, [S, B], summing to 1.
Tensor posterior_weights(const Inference& inference, const Batch& batch) {
  return (log_ratio(inference, batch) + inference.trace.log_weight).softmax(0);
}

/// [B, …] mean of [S*B, …] over particles.
Tensor weighted(const Tensor& weights, const Tensor& values) {
  const auto shape = values.sizes();
  const auto flat = values.reshape({weights.size(0), weights.size(1), -1});
  Shape out{shape.begin(), shape.end()};
  out[0] = weights.size(1);
  return (weights.unsqueeze(2) * flat).sum(0).reshape(out);
}

}  // namespace

Surprise::Surprise(const Tensor& reference) {
  const auto flat = as_double(reference).flatten().contiguous();
  sorted_.assign(flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel());
  std::sort(sorted_.begin(), sorted_.end());
  const size_t n = sorted_.size();
  const auto k = std::min(n - 1, std::max<size_t>(1, static_cast<size_t>(kTail * n)));
  level_ = sorted_[n - 1 - k];
  tail_ = static_cast<double>(std::max<size_t>(k, 1)) / static_cast<double>(n);
  double sum = 0;
  for (size_t i = n - k; i < n; ++i) sum += sorted_[i] - level_;
  mean_excess_ = std::max(sum / static_cast<double>(std::max<size_t>(k, 1)), 1e-12);
}

Tensor Surprise::operator()(const Tensor& scores) const {
  const auto s = as_double(scores).contiguous();
  auto out = torch::empty_like(s);
  const auto n = static_cast<double>(sorted_.size());
  for (int64_t i = 0; i < s.numel(); ++i) {
    const double value = s.data_ptr<double>()[i];
    const auto at = std::lower_bound(sorted_.begin(), sorted_.end(), value);
    const double p = (1 + static_cast<double>(sorted_.end() - at)) / (n + 1);
    out.data_ptr<double>()[i] =
        value > level_ ? -std::log(tail_) + (value - level_) / mean_excess_ : -std::log(p);
  }
  return out;
}

RowScorer::RowScorer(std::shared_ptr<Model> model, Schemas schemas, RowScoreOptions options)
    : model_(std::move(model)),
      schemas_(std::move(schemas)),
      options_(std::move(options)),
      layout_(code_layout(*model_, schemas_)) {}

bool RowScorer::wants(const std::string& part) const {
  return options_.score == part || options_.score == "ensemble";
}

int64_t RowScorer::block() const {
  constexpr int64_t kFloats = int64_t{1} << 25;
  const int64_t particles = kFloats / (8 * numel(schemas_.x.shape) + 1024);
  const bool alone = options_.score == "latent";
  return std::clamp<int64_t>(particles / (alone ? 1 : options_.draws), 1, 4096);
}

RowScorer::Parts RowScorer::parts(const Batch& batch) const {
  torch::NoGradGuard no_gradient;
  Parts parts{std::vector<Tensor>(kParts.size())};
  if (wants("latent")) parts.each[3] = latent_distance(batch);
  if (options_.score == "latent") return parts;
  const auto inference = model_->infer(batch, options_.draws);
  const auto weight = inference.trace.log_weight.exp();
  const auto fit = log_likelihood(inference, batch);
  if (wants("likelihood")) {
    auto ratio = fit;
    for (const auto& site : inference.trace.sites) {
      ratio = ratio + (site.log_prior() - site.log_posterior()).view(fit.sizes());
    }
    parts.each[0] = -as_double(ratio + inference.trace.log_weight).logsumexp(0);
  }
  if (wants("elbo")) {
    parts.each[1] = as_double((weight * (kl(inference.trace, batch.size()) - fit)).sum(0));
  }
  if (wants("reconstruction")) parts.each[2] = as_double(-(weight * fit).sum(0));
  // What overflows is as unusual as can be.
  for (auto& part : parts.each) {
    if (part.defined()) part = part.nan_to_num(1e30, 1e30, -1e30);
  }
  return parts;
}

Tensor RowScorer::latent_distance(const Batch& batch) const {
  const auto codes = as_double(encode_batch(*model_, layout_, batch).mean) - code_mean_;
  return codes.matmul(code_whitening_).square().sum(1);
}

void RowScorer::learn_codes(const Dataset& training) {
  std::vector<Tensor> blocks;
  int64_t rows = 0;
  const Draw draw{static_cast<uint64_t>(options_.seed), 0};
  for (int64_t from = 0; from < std::min(kCodeRows, training.size()); from += block()) {
    const int64_t to = std::min({from + block(), training.size(), kCodeRows});
    const auto batch = training.get(torch::arange(from, to), draw);
    blocks.push_back(as_double(encode_batch(*model_, layout_, batch).mean));
    rows += to - from;
  }
  const auto codes = torch::cat(blocks);
  code_mean_ = codes.mean(0);
  const auto centred = codes - code_mean_;
  auto covariance = centred.t().matmul(centred) / static_cast<double>(std::max<int64_t>(rows, 1));
  // Unused dimensions have next to no spread of means: there the prior's own is the measure.
  covariance = covariance + 0.01 * torch::eye(covariance.size(0), covariance.options());
  const auto [values, vectors] = torch::linalg_eigh(covariance, "L");
  code_whitening_ = vectors / values.sqrt();
}

void RowScorer::calibrate(const Dataset& training, const Dataset& reference,
                          const std::function<void(double)>& progress) {
  RandomScope scope(static_cast<uint64_t>(options_.seed));
  if (wants("latent")) learn_codes(training);
  std::vector<std::vector<Tensor>> all(kParts.size());
  Tensor excess;
  const Draw draw{static_cast<uint64_t>(options_.seed), 0};
  for_each_batch(reference, block(), draw, [&](const Batch& batch, int64_t first) {
    const auto one = parts(batch);
    for (size_t i = 0; i < kParts.size(); ++i) {
      if (one.each[i].defined()) all[i].push_back(one.each[i]);
    }
    const auto sum = as_double(raw_causes(batch).excess).sum(0, true);
    excess = excess.defined() ? excess + sum : sum;
    progress(static_cast<double>(first + batch.size()) / static_cast<double>(reference.size()));
  });
  usual_ = (excess / static_cast<double>(reference.size())).to(torch::kFloat32);
  Parts together{std::vector<Tensor>(kParts.size())};
  surprise_.assign(kParts.size(), Surprise());
  for (size_t i = 0; i < kParts.size(); ++i) {
    if (all[i].empty()) continue;
    together.each[i] = torch::cat(all[i]);
    surprise_[i] = Surprise(together.each[i]);
  }
  reference_ = combine(together);
}

Tensor RowScorer::combine(const Parts& parts) const {
  Tensor sum;
  int64_t count = 0;
  for (size_t i = 0; i < kParts.size(); ++i) {
    if (!parts.each[i].defined()) continue;
    if (options_.score == kParts[i]) return parts.each[i];
    const auto one = surprise_[i](parts.each[i]);
    sum = sum.defined() ? sum + one : one;
    ++count;
  }
  return sum / static_cast<double>(count);
}

Tensor RowScorer::scores(const Batch& batch) const {
  assert(reference_.defined());
  return combine(parts(batch));
}

RowScorer::Causes RowScorer::raw_causes(const Batch& batch) const {
  torch::NoGradGuard no_gradient;
  const auto inference = model_->infer(batch, options_.draws);
  const auto weights = posterior_weights(inference, batch);
  const auto x = tile(batch.x, weights.size(0));
  const auto each = -inference.x->log_prob(x);
  Causes causes;
  causes.expected = weighted(weights, inference.x->mean());
  if (each.sizes() == x.sizes()) {
    causes.excess = weighted(weights, each);
  } else {  // a joint density does not split: distances from what is expected do
    causes.excess = (batch.x - causes.expected).square();
  }
  if (batch.mask.defined()) causes.excess = causes.excess.masked_fill(batch.mask == 0, 0);
  causes.excess = causes.excess.nan_to_num(1e30, 1e30, -1e30);
  return causes;
}

RowScorer::Causes RowScorer::causes(const Batch& batch) const {
  auto causes = raw_causes(batch);
  causes.excess = causes.excess - usual_;
  if (batch.mask.defined()) causes.excess = causes.excess.masked_fill(batch.mask == 0, 0);
  return causes;
}

}  // namespace elbo

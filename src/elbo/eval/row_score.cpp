#include "elbo/eval/row_score.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "elbo/distributions/decoding.h"
#include "elbo/model/knows_usual.h"

namespace elbo {
namespace {

enum Part { kLikelihood, kElbo, kReconstruction, kLatent };
const std::vector<std::string> kParts = {"likelihood", "elbo", "reconstruction", "latent"};
// What a decoder cannot make is the surest sign of an anomaly, so it counts fourfold.
constexpr double kWeights[] = {1, 0, 4, 1};
constexpr double kPower = 4;
constexpr double kUpperShare = 0.1;
// Scores are in nats: where the highest of usual ones differ by less, differences say nothing.
constexpr double kLeastExcess = 1e-3;
constexpr double kEnormous = 1e30;
// A reference row scores as itself, however sums were rounded beside other rows.
constexpr double kSame = 1e-6;

Tensor as_double(const Tensor& t) { return t.to(torch::kCPU, torch::kFloat64); }

/// Importance weights of the particles of each row, [S, B], summing to 1.
Tensor posterior_weights(const Inference& inference, const Batch& batch) {
  const auto ratio = log_ratio(inference, batch) + inference.trace.log_weight;
  // Of a row beyond all bounds every particle is as good.
  return ratio.nan_to_num(-kEnormous, kEnormous, -kEnormous).softmax(0);
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
  const auto k = std::min(n - 1, std::max<size_t>(1, static_cast<size_t>(kUpperShare * n)));
  level_ = sorted_[n - 1 - k];
  tail_ = static_cast<double>(std::max<size_t>(k, 1)) / static_cast<double>(n);
  double sum = 0;
  for (size_t i = n - k; i < n; ++i) sum += sorted_[i] - level_;
  mean_excess_ = std::max(sum / static_cast<double>(std::max<size_t>(k, 1)), kLeastExcess);
}

Tensor Surprise::operator()(const Tensor& scores) const {
  const auto s = as_double(scores).contiguous();
  auto out = torch::empty_like(s);
  const auto n = static_cast<double>(sorted_.size());
  for (int64_t i = 0; i < s.numel(); ++i) {
    const double value = s.data_ptr<double>()[i], same = kSame * std::max(1.0, std::fabs(value));
    const auto at = std::lower_bound(sorted_.begin(), sorted_.end(), value - same);
    const double p = (1 + static_cast<double>(sorted_.end() - at)) / (n + 1);
    out.data_ptr<double>()[i] =
        value > level_ + same ? -std::log(tail_) + (value - level_) / mean_excess_ : -std::log(p);
  }
  return out;
}

namespace {

/// What one voice alone finds unusual is not averaged away by the others.
Tensor power_mean(const std::vector<Tensor>& voices, const std::vector<double>& weights) {
  Tensor sum;
  double all = 0;
  for (size_t i = 0; i < voices.size(); ++i) {
    const auto one = weights[i] * voices[i].pow(kPower);
    sum = sum.defined() ? sum + one : one;
    all += weights[i];
  }
  return (sum / all).pow(1 / kPower);
}

Tensor own_usual(const Density& density) {
  const auto* knows = dynamic_cast<const KnowsUsual*>(&density);
  return knows ? knows->usual() : Tensor();
}

}  // namespace

RowScorer::RowScorer(std::shared_ptr<Model> model, Schemas schemas, RowScoreOptions options)
    : model_(std::move(model)), schemas_(std::move(schemas)), options_(std::move(options)) {
  if (options_.score == "auto")
    options_.score = model_->densities.empty() ? "likelihood" : "ensemble";
}

size_t RowScorer::part_count() const { return kParts.size() + model_->densities.size(); }

int64_t RowScorer::block() const {
  // Each token of a text has the features of a hidden layer.
  const bool tokens = schemas_.x.kind == Kind::kToken;
  const int64_t most = int64_t{1} << (tokens ? 25 : 23), floats = tokens ? 1024 : 8;
  const int64_t particles = most / (floats * numel(schemas_.x.shape) + 1024);
  return std::clamp<int64_t>(particles / options_.draws, 1, 4096);
}

bool RowScorer::wants(size_t part) const {
  const bool ensemble = options_.score == "ensemble";
  if (part >= kParts.size()) return ensemble;
  return (ensemble && kWeights[part] > 0) || options_.score == kParts[part];
}

Tensor RowScorer::side_by_side(const Parts& parts) const {
  std::vector<Tensor> counted;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (wants(i)) counted.push_back(parts[i]);
  }
  return torch::stack(counted, 1);
}

RowScorer::Parts RowScorer::parts(const Batch& batch) const {
  torch::NoGradGuard no_gradient;
  const auto asked = [&](size_t part) { return every_part_ || wants(part); };
  const Refinement refined(*model_, batch, options_.refine);
  const auto inference = model_->infer(batch, options_.draws);
  // Sums over particles round by the number of rows beside; in doubles nobody sees it.
  const auto log_weight = as_double(inference.trace.log_weight), weight = log_weight.exp();
  const auto fit = as_double(log_likelihood(inference, batch));
  Parts parts(part_count());
  if (asked(kLikelihood)) {
    const auto ratio = log_ratio(inference.trace, fit) + log_weight;
    parts[kLikelihood] = -ratio.logsumexp(0);
  }
  const auto divergence = (weight * as_double(kl(inference.trace, batch.size()))).sum(0);
  const auto misfit = -(weight * fit).sum(0);
  if (asked(kElbo)) parts[kElbo] = divergence + misfit;
  if (asked(kReconstruction)) parts[kReconstruction] = misfit;
  if (asked(kLatent)) parts[kLatent] = divergence;
  for (size_t i = kParts.size(); i < parts.size(); ++i) {
    if (!asked(i)) break;
    parts[i] = model_->densities[i - kParts.size()]->surprise(batch, seen_);
  }
  // What overflows is as unusual as can be.
  for (auto& part : parts) {
    if (part.defined()) part = as_double(part).nan_to_num(kEnormous, kEnormous, -kEnormous);
  }
  return parts;
}

void RowScorer::calibrate(const Dataset& reference, const std::function<void(double)>& progress) {
  RandomScope scope(static_cast<uint64_t>(options_.seed));
  std::vector<std::vector<Tensor>> all(part_count());
  Tensor excess;
  const Draw draw{static_cast<uint64_t>(options_.seed), 0};
  for_each_batch(reference, block(), draw, [&](const Batch& batch, int64_t first) {
    const auto one = parts(batch);
    for (size_t i = 0; i < one.size(); ++i) {
      if (one[i].defined()) all[i].push_back(one[i]);
    }
    const auto sum = as_double(raw_causes(batch).excess).sum(0, true);
    excess = excess.defined() ? excess + sum : sum;
    progress(static_cast<double>(first + batch.size()) / static_cast<double>(reference.size()));
  });
  usual_ = (excess / static_cast<double>(reference.size())).to(torch::kFloat32);
  reference_parts_.assign(part_count(), Tensor());
  for (size_t i = 0; i < part_count(); ++i) {
    if (!all[i].empty()) reference_parts_[i] = torch::cat(all[i]);
  }
  settle();
}

void RowScorer::settle() {
  surprise_.assign(part_count(), Surprise());
  for (size_t i = 0; i < part_count(); ++i) {
    if (!reference_parts_[i].defined()) continue;
    const auto own =
        i < kParts.size() ? Tensor() : own_usual(*model_->densities[i - kParts.size()]);
    surprise_[i] = Surprise(own.defined() ? own : reference_parts_[i]);
  }
  // The model is one voice beside its densities, so its own ensemble is brought to their scale.
  const bool voices = !model_->densities.empty() && options_.score == "ensemble";
  if (voices) of_model_ = Surprise(of_model(reference_parts_));
  reference_ = combine(reference_parts_);
}

RowScorer::Reference RowScorer::learn(std::shared_ptr<Model> model, const Schemas& schemas,
                                      const RowScoreOptions& options, const Dataset& reference,
                                      const std::function<void(double)>& progress) {
  RowScorer scorer(std::move(model), schemas, options);
  scorer.every_part_ = true;
  scorer.calibrate(reference, progress);
  return {torch::stack(scorer.reference_parts_, 1), scorer.usual_};
}

void RowScorer::recall(const Reference& reference) {
  const int64_t parts = static_cast<int64_t>(part_count());
  check(reference.parts.dim() == 2 && reference.parts.size(0) > 0 &&
            reference.parts.size(1) == parts && reference.usual.dim() >= 1,
        "[score] the kept reference scores do not fit; remove kept.safetensors from the run");
  usual_ = reference.usual;
  reference_parts_.clear();
  for (int64_t i = 0; i < parts; ++i) {
    reference_parts_.push_back(as_double(reference.parts.select(1, i)).contiguous());
  }
  settle();
}

Tensor RowScorer::of_model(const Parts& parts) const {
  std::vector<Tensor> voices;
  std::vector<double> weights;
  for (size_t i = 0; i < kParts.size(); ++i) {
    if (!parts[i].defined() || kWeights[i] == 0) continue;
    voices.push_back(surprise_[i](parts[i]));
    weights.push_back(kWeights[i]);
  }
  return power_mean(voices, weights);
}

Tensor RowScorer::combine(const Parts& parts) const {
  for (size_t i = 0; i < kParts.size(); ++i) {
    if (options_.score == kParts[i]) return parts[i];
  }
  if (model_->densities.empty()) return of_model(parts);
  std::vector<Tensor> voices{of_model_(of_model(parts))};
  for (size_t i = kParts.size(); i < parts.size(); ++i) voices.push_back(surprise_[i](parts[i]));
  return power_mean(voices, std::vector<double>(voices.size(), 1));
}

RowScorer::Judged RowScorer::judge(const Batch& batch) const {
  assert(reference_.defined() || options_.score != "ensemble");
  const auto each = parts(batch);
  return {combine(each), side_by_side(each)};
}

RowScorer::Causes RowScorer::raw_causes(const Batch& batch) const {
  torch::NoGradGuard no_gradient;
  const Refinement refined(*model_, batch, options_.refine);
  const auto inference = model_->infer(batch, options_.draws);
  const auto weights = posterior_weights(inference, batch);
  const auto x = tile(batch.x, weights.size(0));
  const auto each = -inference.x->log_prob(x);
  Causes causes;
  // There is no mean of texts.
  const bool texts = dynamic_cast<const Decodable*>(inference.x.get()) != nullptr;
  causes.expected = texts ? torch::full_like(batch.x, std::numeric_limits<float>::quiet_NaN())
                          : weighted(weights, inference.x->mean());
  if (each.sizes() == x.sizes()) {
    causes.excess = weighted(weights, each);
  } else {  // a joint density does not split: distances from what is expected do
    causes.excess = (batch.x - causes.expected).square();
  }
  if (batch.mask.defined()) causes.excess = causes.excess.masked_fill(batch.mask == 0, 0);
  causes.excess = causes.excess.nan_to_num(kEnormous, kEnormous, -kEnormous);
  return causes;
}

RowScorer::Causes RowScorer::causes(const Batch& batch) const {
  auto causes = raw_causes(batch);
  causes.excess = causes.excess - usual_;
  if (batch.mask.defined()) causes.excess = causes.excess.masked_fill(batch.mask == 0, 0);
  return causes;
}

}  // namespace elbo

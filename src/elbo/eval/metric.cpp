#include "elbo/eval/metric.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <sstream>

#include "elbo/data/row_view.h"
#include "elbo/eval/classifier.h"
#include "elbo/eval/disentanglement.h"
#include "elbo/model/evaluation_scope.h"
#include "elbo/model/knows_missing.h"
#include "elbo/model/spec.h"

namespace elbo {
namespace {

/// Pictures whose numbers are grey levels or colours as they are.
bool shows_shades(const Subject& s) {
  const auto& x = s.schemas().x;
  return PictureView::shows(x) && is_bounded(x.kind);
}

bool has_real_code(const Subject& s) {
  const auto& parts = s.layout().parts;
  return std::all_of(parts.begin(), parts.end(),
                     [](const auto& part) { return torch::isFloatingType(part.type); });
}

/// Whether the subject has what a metric's need names.
using Has = bool (*)(const Subject&);
const std::map<std::string, Has>& needs() {
  static const std::map<std::string, Has> known = {
      {"labels", [](const Subject& s) { return s.has_labels(); }},
      {"factors", [](const Subject& s) { return s.factors().defined(); }},
      {"table", [](const Subject& s) { return TableView::shows(s.schemas().x); }},
      {"texts", [](const Subject& s) { return TextView::shows(s.schemas().x); }},
      {"molecules", [](const Subject& s) { return MoleculeView::shows(s.schemas().x); }},
      {"pictures", shows_shades},
      {"real code", has_real_code}};
  return known;
}

class FunctionMetric : public Metric {
 public:
  FunctionMetric(std::vector<std::string> names, std::function<Json(Subject&)> measure)
      : needs_(std::move(names)), measure_(std::move(measure)) {
    for (const auto& need : needs_) {
      check(needs().count(need) > 0, "[metric] unknown need \"", need, "\"");
    }
  }
  std::string lacks(const Subject& subject) const override {
    std::vector<std::string> missing;
    for (const auto& need : needs_) {
      if (!needs().at(need)(subject)) missing.push_back(need);
    }
    return join(missing, " and ");
  }
  Json measure(Subject& subject) override { return measure_(subject); }

 private:
  std::vector<std::string> needs_;
  std::function<Json(Subject&)> measure_;
};

/// Pixels as features: large pictures are averaged down, so that covariances stay small.
Tensor pixel_features(const Tensor& x, std::string& space) {
  constexpr int64_t kMostSide = 32;
  space = x.dim() == 4 ? "pixels" : "values";
  if (x.dim() != 4) return x.flatten(1);
  const int64_t height = std::min(kMostSide, x.size(2)), width = std::min(kMostSide, x.size(3));
  if (height == x.size(2) && width == x.size(3)) return x.flatten(1);
  space += " " + std::to_string(height) + "x" + std::to_string(width);
  return torch::adaptive_avg_pool2d(x, {height, width}).flatten(1);
}

/// Columns of a table have units of their own: both samples in the data's deviations.
void standardise(Features& f) {
  const auto mean = f.data.mean(0), deviation = f.data.std(0, false).clamp_min(1e-12);
  f.data = (f.data - mean) / deviation;
  f.samples = (f.samples - mean) / deviation;
  f.space = "standardised " + f.space;
}

std::vector<std::string> split_names(const std::string& names) {
  std::vector<std::string> list;
  std::istringstream in(names);
  for (std::string name; std::getline(in, name, ',');) {
    if (!name.empty()) list.push_back(name);
  }
  return list;
}

}  // namespace

Subject::Subject(std::shared_ptr<Model> model, std::shared_ptr<const Run> run, Data data,
                 const JudgeOptions& options)
    : model_(std::move(model)), run_(std::move(run)), options_(options) {
  model_->eval();
  layout_ = code_layout(*model_, run_->schemas());
  const int64_t n = std::min(options_.judged, data->size());
  check(n >= 2, "[metric] ", data->size(), " rows, at least 2 are needed");
  batch_ = data->get(torch::arange(n), Draw{static_cast<uint64_t>(options_.seed), 0});
  const auto factors = data->factors();
  if (factors.defined()) factors_ = factor_classes(factors.narrow(0, 0, n));
}

bool Subject::has_labels() const {
  return batch_.y.defined() && (batch_.y >= 0).all().item<bool>() &&
         batch_.y.max().item<int64_t>() > 0;
}

Tensor Subject::in_blocks(int64_t n, const std::function<Tensor(int64_t, int64_t)>& f) const {
  torch::NoGradGuard no_gradient;
  const int64_t block = block_rows(schemas());
  std::vector<Tensor> parts;
  for (int64_t from = 0; from < n; from += block)
    parts.push_back(f(from, std::min(block, n - from)));
  return torch::cat(parts);
}

const Codes& Subject::codes() {
  if (codes_.mean.defined()) return codes_;
  std::vector<Tensor> deviations;
  codes_.mean = in_blocks(size(), [&](int64_t from, int64_t count) {
    const auto codes = encode_batch(*model_, layout_, slice(batch_, from, from + count));
    deviations.push_back(codes.deviation);
    return codes.mean;
  });
  codes_.deviation = torch::cat(deviations);
  return codes_;
}

/// Means of rows with these codes; shades as a file can hold them.
Tensor Subject::decoded(const Tensor& means) {
  RandomScope scope(static_cast<uint64_t>(options_.seed));
  const auto x = in_blocks(means.size(0), [&](int64_t from, int64_t count) {
    const auto here = slice(batch_, from, from + count);
    return decode_codes(*model_, layout_, means.narrow(0, from, count), here.c)->mean();
  });
  return shows_shades(*this) ? x.clamp(0, 1) : x;
}

const Tensor& Subject::reconstructions() {
  if (!reconstructions_.defined()) reconstructions_ = decoded(codes().mean);
  return reconstructions_;
}

Tensor Subject::halfway() {
  const auto& means = codes().mean;
  return decoded((means + means.roll(1, 0)) / 2);
}

std::string Subject::shown() const {
  // Noise on pictures is the likelihood's allowance, not something that anybody wants to see.
  return shows_shades(*this) && schemas().x.kind != Kind::kBinary ? "means" : "draws";
}

Tensor Subject::drawn(const Batch& rows, uint64_t seed, bool with_missing) {
  RandomScope scope(seed);
  const ChainSteps chain(options_.sampling_steps);
  return in_blocks(rows.size(), [&](int64_t from, int64_t count) {
    const auto made = model_->generate(count, slice(rows, from, from + count).c);
    const bool drawn = shown() == "draws";
    auto x = drawn ? made.x->sample() : made.x->mean();
    if (!drawn) x = x.clamp(0, 1);
    const auto missing = with_missing ? draw_missing(*model_->latent, made.trace) : Tensor();
    return missing.defined() ? x.masked_fill(missing, NAN) : x;
  });
}

const Tensor& Subject::samples() {
  if (!samples_.defined()) samples_ = drawn(batch_, static_cast<uint64_t>(options_.seed) + 1);
  return samples_;
}

const Subject::Pair& Subject::pair() {
  if (pair_.samples.defined()) return pair_;
  const Draw draw{static_cast<uint64_t>(options_.seed), 0};
  const auto rows = some_rows(training(), options_.judged, draw.key("training rows"));
  pair_.training = rows->get(torch::arange(rows->size()), draw);
  pair_.samples = drawn(pair_.training, draw.seed + 2, true);
  return pair_;
}

Tensor Subject::encoded(const Tensor& x) {
  return in_blocks(x.size(0), [&](int64_t from, int64_t count) {
    auto here = slice(batch_, from, from + count);
    here.x = x.narrow(0, from, count);
    return encode_batch(*model_, layout_, here).mean;
  });
}

const FeatureSpace& Subject::own_features() {
  if (own_features_.network) return own_features_;
  const auto& x = schemas().x;
  check(shows_shades(*this),
        "[features] perceptual: needs pictures in shades, these data have none");
  const auto kept = (run_->path() / "perceptual.safetensors").string();
  const auto path = options_.perceptual.empty() ? kept : options_.perceptual;
  if (!options_.perceptual.empty() || std::filesystem::exists(path)) {
    return own_features_ = load_features(path, x.shape.at(0));
  }
  // Others than those that a training may have followed.
  constexpr uint64_t kJudge = 1;
  own_features_ = learn_features(*training(), kJudge);
  save_features(own_features_, kept);
  return own_features_;
}

Tensor Subject::featured(const Tensor& x, std::string& space) {
  if (options_.features == "pixels") return pixel_features(x, space);
  if (options_.features == "perceptual") {
    const auto& own = own_features();
    space = own.name;
    return in_blocks(x.size(0), [&](int64_t from, int64_t count) {
      return own.network->pooled(x.narrow(0, from, count).to(torch::kFloat32));
    });
  }
  if (options_.features == "encoder") {
    space = "encoder of this run";
    return encoded(x);
  }
  check(has_labels(),
        "[features] classifier: the data have no labels; known: pixels, encoder, perceptual");
  const auto classifier = feature_classifier(*run_);
  space = classifier.name;
  return classifier.features(x);
}

Features Subject::features_of(const Tensor& rows) {
  Features f;
  f.data = options_.features == "encoder" ? codes().mean : featured(batch_.x, f.space);
  f.samples = featured(rows, f.space);
  if (options_.features == "pixels" && batch_.x.dim() != 4) standardise(f);
  return f;
}

const Features& Subject::features() {
  if (!features_.data.defined()) features_ = features_of(samples());
  return features_;
}

const Data& Subject::training() {
  if (!training_) training_ = run_->training_parts().first;
  return training_;
}

const Subject::Known& Subject::known() {
  if (known_.codes.defined()) return known_;
  // The rows that training did not see come last in the shuffle; the first ones were seen.
  const auto& seen = training();
  const int64_t n = std::min(size(), seen->size());
  const auto rows = seen->get(torch::arange(n), Draw{static_cast<uint64_t>(options_.seed), 0});
  check(rows.y.defined(), "[metric] the training rows have no labels");
  known_.y = rows.y;
  known_.codes = in_blocks(n, [&](int64_t from, int64_t count) {
    return encode_batch(*model_, layout_, slice(rows, from, from + count)).mean;
  });
  return known_;
}

std::shared_ptr<Objective> Subject::objective() {
  const RandomScope scope(0);
  return build_objective(run_->spec(), run_->schemas(), *model_, run_->facts()["rows"]);
}

const Json& Subject::code_use() {
  if (code_use_) return *code_use_;
  torch::NoGradGuard no_gradient;
  const EvaluationScope evaluation(*model_);
  model_->latent->reset_usage();
  const int64_t block = block_rows(schemas());
  for (int64_t from = 0; from < size(); from += block) {
    model_->latent->infer(slice(batch_, from, std::min(size(), from + block)), 0);
  }
  code_use_ = model_->latent->usage();
  return *code_use_;
}

Registry<Metric>& metrics() {
  static Registry<Metric> registry("metric");
  return registry;
}

std::shared_ptr<Metric> make_metric(std::vector<std::string> needs,
                                    std::function<Json(Subject&)> measure) {
  return std::make_shared<FunctionMetric>(std::move(needs), std::move(measure));
}

void check_metrics(const std::string& names) {
  if (names == "all" || names == "none") return;
  for (const auto& name : split_names(names)) metrics().find(name);
}

Json measure(Subject& subject, const std::string& names,
             const std::function<void(double)>& progress) {
  torch::NoGradGuard no_gradient;
  const bool all = names == "all";
  std::vector<std::string> wanted = split_names(names);
  if (all) {
    wanted.clear();
    for (const auto& entry : metrics().entries()) wanted.push_back(entry.name);
  }
  Json result{{"metrics", Json::object()}, {"left_out", Json::object()}};
  double done = 0;
  for (const auto& name : wanted) {
    const auto metric = metrics().find(name).make(Json::object());
    const auto lacks = metric->lacks(subject);
    check(all || lacks.empty(), "[metric] ", name, ": needs ", lacks, ", which these data lack");
    try {
      if (lacks.empty()) {
        RandomScope scope(static_cast<uint64_t>(subject.options().seed));
        result["metrics"][name] = metric->measure(subject);
      } else {
        result["left_out"][name] = "needs " + lacks;
      }
    } catch (const Error& error) {
      if (!all) throw;
      result["left_out"][name] = error.what();
    }
    progress(++done / static_cast<double>(wanted.size()));
  }
  return result;
}

}  // namespace elbo

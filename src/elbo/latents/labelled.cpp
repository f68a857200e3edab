#include <cmath>
#include <limits>

#include "elbo/distributions/continuous.h"
#include "elbo/distributions/discrete.h"
#include "elbo/distributions/halves.h"
#include "elbo/group/group.h"
#include "elbo/model/spec.h"
#include "elbo/nn/activation.h"

namespace elbo {
namespace {

struct LabelledOptions {
  int64_t size = 32, classes = 0, features = 256, auxiliary = 0;
  double alpha = 0.1;
  bool labels = true, learned_classes = false;
  bool decode_class = true, decode_z = true, decode_auxiliary = true;
  std::string components = "shared";
  Json encoder, classifier, joint = {{"type", "mlp"}, {"hidden", {256}}}, posterior, prior;
  template <class F>
  void fields(F&& f) {
    f("size", size, "size of z", between(1, 65536));
    f("classes", classes, "number of classes (0 = as many as the labels have)", between(0, 4096));
    f("features", features, "size of the encoder's output", between(1, 65536));
    f("auxiliary", auxiliary, "size of an auxiliary a with q(a|x), q(y|a,x) (0 = none)",
      between(0, 65536));
    f("alpha", alpha, "weight of -log q(y|x) in labelled rows, times rows per labelled row",
      at_least(0));
    f("labels", labels, "use the labels of the data (false = classes are clusters)");
    f("learned_classes", learned_classes, "learn p(y) (false = uniform)");
    f("components", components, "prior p(z|y): one for all classes, or a normal per class",
      one_of({"shared", "per_class"}));
    f("decode_class", decode_class, "let the decoder read y beside z");
    f("decode_z", decode_z, "let the decoder read z (false = z and y only describe a: M1+M2)");
    f("decode_auxiliary", decode_auxiliary,
      "let the decoder read a: p(x|a,y,z) and p(a|y,z), SDGM (false = p(x|y,z) and p(a|x,y,z), "
      "ADGM)");
    f("encoder", encoder, "network from x to its features (default: the spec's)");
    f("classifier", classifier, "network from x to the classes (default: the spec's encoder)");
    f("joint", joint, "network from the features and a class to the posterior of z");
    f("posterior", posterior, "posterior q(z|x,y) (default: the spec's)");
    f("prior", prior, "prior p(z) of shared components (default: the spec's)");
  }
};

int64_t classes_of(const LabelledOptions& o, const Schema& y) {
  const int64_t classes = o.classes > 0 ? o.classes : class_count(y);
  check(classes > 0,
        "[latent labelled] classes: the data have no labels, so their number must be given");
  return classes;
}

/// How many rows there are to each labelled one, learned in training: in a batch of mixed rows it
/// makes alpha mean what it does where labelled and unlabelled rows come apart.
class LabelShare : public torch::nn::Module {
 public:
  LabelShare() {
    rows_ = register_buffer("rows", torch::zeros({1}, torch::kFloat64));
    known_ = register_buffer("known", torch::zeros({1}, torch::kFloat64));
  }
  double rows_per_label(const Tensor& known) {
    torch::NoGradGuard no_gradient;
    if (is_training()) {
      rows_.add_(static_cast<double>(known.numel() * group_size()));
      known_.add_(sum_over_group(known.sum().to(torch::kFloat64)));
    }
    const double seen = known_.item<double>();
    return seen > 0 ? rows_.item<double>() / seen : 1;
  }

 private:
  Tensor rows_, known_;
};

/// x [S', B, …] or [B, …] rows -> [S', K, B, …] rows: every row once per class.
Tensor per_class(const Tensor& x, int64_t outer, int64_t classes) {
  if (!x.defined()) return x;
  Shape rest(x.sizes().begin() + 1, x.sizes().end());
  Shape split{outer, 1, x.size(0) / outer}, all{outer, classes, x.size(0) / outer};
  split.insert(split.end(), rest.begin(), rest.end());
  all.insert(all.end(), rest.begin(), rest.end());
  return x.reshape(split).expand(all).reshape(with_rows(x.size(0) * classes, rest));
}

Tensor class_vectors(const Tensor& numbers, int64_t classes) {
  const auto number = numbers.round().to(torch::kInt64);
  return torch::zeros({number.size(0), classes}, torch::TensorOptions(number.device()))
      .scatter_(1, number.unsqueeze(1), 1);
}

Tensor beside(const std::vector<Tensor>& parts) {
  std::vector<Tensor> defined;
  for (const auto& part : parts) {
    if (part.defined()) defined.push_back(part.flatten(1));
  }
  return defined.empty() ? Tensor() : defined.size() == 1 ? defined[0] : torch::cat(defined, 1);
}

/// A class y, summed over and not drawn, and z given it. Particles are (draw, class), class inner.
/// M2: Kingma et al. 2014 (arXiv:1406.5298); auxiliary a: Maaloee et al. 2016 (arXiv:1602.05473).
class Labelled : public Latent {
 public:
  Labelled(const LatentPlan& plan, const LabelledOptions& o)
      : o_(o), classes_(classes_of(o, plan.data.y)) {
    const int64_t c = condition_size(plan.data), a = o.auxiliary;
    check(o.decode_z || (a > 0 && o.decode_auxiliary),
          "[latent labelled] decode_z: without z the decoder must read an auxiliary variable");
    Context at{{{o.size}, Kind::kReal, Json::object()}, plan.data};
    posterior_ = register_module("posterior", make_head(at, plan.part(o.posterior, "posterior")));
    const auto encoder = plan.part(o.encoder, "encoder");
    encoder_ = register_module("encoder", make_encoder(encoder, plan.data, {o.features}, c));
    classifier_ =
        register_module("classifier", make_encoder(o.classifier.is_null() ? encoder : o.classifier,
                                                   plan.data, {classes_}, c + a));
    joint_ = register_module(
        "joint", networks().make({{o.features}, posterior_->input(), classes_ + a + c}, o.joint));
    make_priors(at, plan.part(o.prior, "prior"));
    if (a > 0) make_auxiliary();
    share_ = register_module("share", std::make_shared<LabelShare>());
  }

  Trace infer(const Batch& batch, int64_t samples) override {
    const int64_t s = std::max<int64_t>(samples, 1), rows = batch.size();
    const int64_t inner = o_.auxiliary > 0 ? s : 1;  // draws that z's features differ between
    const auto x = observed(batch);
    const auto features = activate(encoder_->forward(x, batch.c), Activation::kSilu);  // [B, f]
    Site a;
    if (o_.auxiliary > 0) a = draw_auxiliary(features, s, samples == 0);
    const auto q = classify(tile(x, inner), tile(batch.c, inner), a.value);  // [inner*B, K]
    const auto y = enumerate(inner, rows, features);                         // [inner*K*B]
    const auto hot = class_vectors(y, classes_);
    const auto wide_a = per_class(a.value, inner, classes_);
    const auto wide_c = per_class(tile(batch.c, inner), inner, classes_);
    const auto h = joint_->forward(per_class(tile(features, inner), inner, classes_),
                                   beside({hot, wide_a, wide_c}));
    // Without a, all draws of z share one pass of the networks.
    const int64_t repeat = s / inner;
    const auto all_hot = tile(hot, repeat);
    auto z = draw_site("z", (*posterior_)(tile(h, repeat)), prior_z(all_hot, tile(wide_c, repeat)),
                       samples == 0);

    Trace trace;
    const auto log_q = known_or(q, batch, inner);  // [inner, K, B] log q, log weight
    trace.log_weight =
        tile(log_q.second, repeat).reshape({s * classes_, rows}) - std::log(static_cast<double>(s));
    trace.code = code_of(all_hot, z.value, wide_a);
    if (o_.auxiliary > 0) trace.sites.push_back(wide_auxiliary(a, hot, z.value, features, inner));
    trace.sites.push_back(
        {"y", tile(y, repeat), tile(log_q.first, repeat).flatten(), nullptr, classes()});
    trace.sites.push_back(std::move(z));
    if (labelled(batch)) trace.extra = classifier_cost(q, batch, inner, s);
    return trace;
  }

  Trace generate(int64_t n, const Tensor& c, const Values& fixed) override {
    const bool with_a = o_.auxiliary > 0 && o_.decode_auxiliary;
    check_fixed(fixed, with_a ? std::vector<std::string>{"a", "y", "z"}
                              : std::vector<std::string>{"y", "z"});
    Trace trace;
    const auto p_y = classes();
    const auto y = fixed_or_draw("y", p_y, n, fixed);
    check_classes(y);
    const auto hot = class_vectors(y, classes_);
    const auto p_z = prior_z(hot, c);
    const bool conditional = component_loc_.defined() || prior_->reads_condition();
    const auto z = fixed_or_draw("z", p_z, n, fixed, conditional);
    Tensor a;
    if (with_a) {
      const auto p_a = prior_a(hot, z, Tensor());
      a = fixed_or_draw("a", p_a, n, fixed, true);
      trace.sites.push_back(Site{"a", a, Tensor(), nullptr, p_a});
    }
    trace.sites.push_back(Site{"y", y, Tensor(), nullptr, p_y});
    trace.sites.push_back(Site{"z", z, Tensor(), nullptr, p_z});
    trace.code = code_of(hot, z, a);
    trace.log_weight = equal_weights(1, trace.code);
    return trace;
  }

  Shape code() const override {
    const bool with_a = o_.auxiliary > 0 && o_.decode_auxiliary;
    return {(o_.decode_z ? o_.size : 0) + (o_.decode_class ? classes_ : 0) +
            (with_a ? o_.auxiliary : 0)};
  }

  std::vector<Tensor> prior_parameters() const override {
    std::vector<Tensor> all;
    if (prior_) all = prior_->parameters();
    for (const auto& p : {class_logits_, component_loc_, component_log_scale_}) {
      if (p.defined() && p.requires_grad()) all.push_back(p);
    }
    if (prior_a_) {
      for (const auto& p : prior_a_->parameters()) all.push_back(p);
    }
    return all;
  }

  std::vector<LayerReport> report() const override {
    std::vector<LayerReport> lines;
    const auto add = [&](const std::string& name, const std::shared_ptr<Network>& net) {
      if (!net) return;
      for (auto& line : net->report()) {
        line.name = name + "." + line.name;
        lines.push_back(line);
      }
    };
    add("encoder", encoder_);
    add("posterior_a", posterior_a_);
    add("classifier", classifier_);
    add("joint", joint_);
    add("prior_a", prior_a_);
    return lines;
  }

  /// With an auxiliary a the mean over draws of it.
  Tensor class_probs(const Batch& batch) override {
    const int64_t s = o_.auxiliary > 0 ? kClassDraws : 1;
    const auto x = observed(batch);
    Tensor a;
    if (o_.auxiliary > 0) {
      const auto features = activate(encoder_->forward(x, batch.c), Activation::kSilu);
      a = draw_auxiliary(features, s, false).value;
    }
    const auto q = classify(tile(x, s), tile(batch.c, s), a);
    return q.exp().view({s, batch.size(), classes_}).mean(0);
  }

 private:
  static constexpr int64_t kClassDraws = 20;

  void make_priors(const Context& at, const Json& prior) {
    class_logits_ = o_.learned_classes ? register_parameter("class_logits", torch::zeros(classes_))
                                       : register_buffer("class_logits", torch::zeros(classes_));
    if (o_.components == "shared") {
      auto context = at;
      context.posterior = posterior_;
      context.role = Role::kFree;
      prior_ = register_module("prior", make_head(context, prior));
      return;
    }
    component_loc_ = register_parameter("component_loc", torch::randn({classes_, o_.size}));
    component_log_scale_ =
        register_parameter("component_log_scale", torch::zeros({classes_, o_.size}));
  }

  void make_auxiliary() {
    const int64_t seen = o_.decode_auxiliary ? 0 : o_.features;
    posterior_a_ = register_module(
        "posterior_a", networks().make({{o_.features}, {2 * o_.auxiliary}, 0}, o_.joint));
    prior_a_ = register_module(
        "prior_a", networks().make({{o_.size + classes_ + seen}, {2 * o_.auxiliary}, 0}, o_.joint));
  }

  bool labelled(const Batch& batch) const { return o_.labels && batch.y.defined(); }

  Dist classes() const { return std::make_shared<Categorical>(class_logits_); }

  /// p(z|y): hot [rows, K].
  Dist prior_z(const Tensor& hot, const Tensor& c) {
    if (prior_) return (*prior_)(prior_->reads_condition() ? c : Tensor());
    return std::make_shared<Normal>(hot.mm(component_loc_), Log(hot.mm(component_log_scale_)));
  }

  static Dist normal_of(const Tensor& out) {
    const auto [loc, log_scale] = halves(out, -7, 7);
    return std::make_shared<Normal>(loc, Log(log_scale));
  }

  Dist prior_a(const Tensor& hot, const Tensor& z, const Tensor& features) {
    return normal_of(prior_a_->forward(beside({z, hot, features})));
  }

  /// [S*B, a]
  Site draw_auxiliary(const Tensor& features, int64_t s, bool mean_only) {
    auto a =
        draw_site("a", normal_of(tile(posterior_a_->forward(features), s)), nullptr, mean_only);
    a.log_q = a.posterior->log_prob(a.value);
    return a;
  }

  /// a as a site of all particles. z was drawn given a, so that a closed KL of a alone would not
  /// be the bound's: the site has no posterior, and its KL is taken at the draw.
  Site wide_auxiliary(const Site& a, const Tensor& hot, const Tensor& z, const Tensor& features,
                      int64_t s) {
    const auto seen = o_.decode_auxiliary ? Tensor() : per_class(tile(features, s), s, classes_);
    return {"a", per_class(a.value, s, classes_), per_class(a.log_q, s, classes_), nullptr,
            prior_a(hot, z, seen)};
  }

  /// [rows, K] log q(y|x), or log q(y|a, x).
  Tensor classify(const Tensor& x, const Tensor& c, const Tensor& a) {
    return classifier_->forward(x, beside({c, a})).log_softmax(1);
  }

  /// 0 … K-1, each for all rows: [inner * K * B].
  Tensor enumerate(int64_t inner, int64_t rows, const Tensor& like) const {
    return torch::arange(classes_, like.options())
        .view({1, classes_, 1})
        .expand({inner, classes_, rows})
        .reshape(-1);
  }

  /// q: [inner*B, K]. Per particle [inner, K, B] log q(y|x) and the log of its weight; where y is
  /// known, q is a point mass: the other classes weigh nothing.
  std::pair<Tensor, Tensor> known_or(const Tensor& q, const Batch& batch, int64_t inner) const {
    const auto log_q = q.view({inner, batch.size(), classes_}).transpose(1, 2);
    if (!labelled(batch)) return {log_q, log_q};
    check_labels(batch.y);
    const auto known = (batch.y >= 0).view({1, 1, -1});
    const auto it = torch::arange(classes_, batch.y.options()).view({1, -1, 1}) == batch.y;
    const auto zero = torch::zeros({}, log_q.options());
    const auto never = torch::full({}, -std::numeric_limits<double>::infinity(), log_q.options());
    return {torch::where(known, zero, log_q),
            torch::where(known, torch::where(it, zero, never), log_q)};
  }

  void check_labels(const Tensor& y) const {
    const int64_t high = y.max().item<int64_t>();
    check(high < classes_, "[latent labelled] label: found ", high, ", the model has classes 0 to ",
          classes_ - 1);
  }
  void check_classes(const Tensor& y) const {
    const double low = y.min().item<double>(), high = y.max().item<double>();
    check(low > -0.5 && high < static_cast<double>(classes_) - 0.5, "[y] class: found ",
          low < 0 ? low : high, ", allowed 0 to ", classes_ - 1);
  }

  /// -alpha log q(y|x) of the labelled rows, [S*K, B].
  Tensor classifier_cost(const Tensor& q, const Batch& batch, int64_t inner, int64_t s) {
    const auto known = batch.y >= 0;
    const auto at = batch.y.clamp_min(0).view({1, -1, 1}).expand({inner, batch.size(), 1});
    const auto own = q.view({inner, batch.size(), classes_}).gather(2, at).squeeze(2).mean(0);
    const double weight = o_.alpha * share_->rows_per_label(known);
    return (-weight * own * known.to(own.scalar_type())).expand({s * classes_, batch.size()});
  }

  Tensor code_of(const Tensor& hot, const Tensor& z, const Tensor& a) const {
    const bool with_a = o_.auxiliary > 0 && o_.decode_auxiliary;
    return beside(
        {o_.decode_z ? z : Tensor(), o_.decode_class ? hot : Tensor(), with_a ? a : Tensor()});
  }

  const LabelledOptions o_;
  const int64_t classes_;
  std::shared_ptr<Network> encoder_, classifier_, joint_, posterior_a_, prior_a_;
  Posterior posterior_;
  Prior prior_;                                 // of shared components
  Tensor class_logits_;                         // [K]
  Tensor component_loc_, component_log_scale_;  // [K, size]
  std::shared_ptr<LabelShare> share_;
};

const bool labelled_added = latents().add<LabelledOptions>(
    "labelled", "A class, summed over where it is unknown, and z given the class: M2, GMVAE, ADGM",
    [](const LatentPlan& plan, const LabelledOptions& options) {
      return std::make_shared<Labelled>(plan, options);
    });

}  // namespace
}  // namespace elbo

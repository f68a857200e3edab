#include "elbo/heads/parameters.h"
#include "elbo/model/spec.h"

namespace elbo {
namespace {

struct VaeOptions {
  Json model = Json::object();
  template <class F>
  void fields(F&& f) {
    f("model", model, "parts of the model, as in a spec, where they differ from the default");
  }
};

/// p(z) of a whole model of z. log_prob is its bound by one draw u: the weight p(z, u) / q(u | z)
/// has mean p(z), so importance sampling stays right.
struct ModelDistribution : Distribution {
  std::shared_ptr<Model> model;
  Shape shape;
  Tensor origin;
  ModelDistribution(std::shared_ptr<Model> model, Shape shape, Tensor origin)
      : model(std::move(model)), shape(std::move(shape)), origin(std::move(origin)) {}

  Tensor log_prob(const Tensor& x) const override {
    Batch batch;
    batch.x = x.reshape(with_rows(x.numel() / numel(shape), shape));
    const auto inference = model->infer(batch, 1);
    const auto& weight = inference.trace.log_weight;
    Tensor bound;
    if (!model->is_training()) {
      bound = (weight + log_ratio(inference, batch)).logsumexp(0);
    } else {
      // Closed forms where there are some: a bound with less noise, but no importance weight.
      bound = log_likelihood(inference, batch) - kl(inference.trace, batch.size());
      if (inference.trace.extra.defined()) bound = bound - inference.trace.extra;
      bound = (weight.exp() * bound).sum(0);
    }
    return bound.view(x.sizes().slice(0, x.dim() - static_cast<int64_t>(shape.size())));
  }
  Tensor sample(torch::IntArrayRef prefix) const override {
    return model->generate(numel(prefix.vec())).x->sample().view(draw_shape(prefix, shape));
  }
  Tensor mean() const override { return origin; }
  bool reparameterized() const override { return false; }
};

class VaeHead : public PriorHead {
 public:
  VaeHead(const Context& at, const VaeOptions& o) : shape_(at.variable.shape) {
    check_kind("vae", at.variable, {Kind::kReal});
    Json spec = default_spec();
    const Json network{{"type", "mlp"}, {"hidden", {256, 256}}};
    spec.merge_patch({{"latent", {{"size", numel(shape_)}}},
                      {"encoder", network},
                      {"decoder", network},
                      {"likelihood", {{"type", "normal"}, {"scale", "learned"}}}});
    spec.merge_patch(o.model);
    check(spec["objective"] == default_spec()["objective"],
          "[head vae] objective: a prior has none of its own");
    Schemas data;
    data.x = at.variable;
    model_ = register_module("model", build(resolve(spec, data), data));
    origin_ = register_buffer("origin", torch::zeros(shape_));
  }
  Dist operator()(const Tensor&) override {
    return std::make_shared<ModelDistribution>(model_, shape_, origin_);
  }
  Shape input() const override { return shape_; }

 private:
  Shape shape_;
  std::shared_ptr<Model> model_;
  Tensor origin_;  // zeros, on the device of the model
};

const bool vae_added = heads().add<VaeOptions>(
    "vae", "As a free prior: a whole model of the codes (Dai & Wipf 2019, arXiv:1903.05789)",
    [](const Context& at, const VaeOptions& o) { return std::make_shared<VaeHead>(at, o); });

}  // namespace
}  // namespace elbo

#include "elbo/model/refinement.h"
#include "elbo/model/spec.h"

namespace elbo {
namespace {

struct StackedOptions {
  std::vector<int64_t> sizes{200, 200};
  Json between{{"type", "mlp"}, {"hidden", Json::array()}}, encoder, posterior, prior;
  template <class F>
  void fields(F&& f) {
    f("sizes", sizes, "size of each layer, from z1 near the data to the top");
    f("between", between,
      "network between two layers, one upwards and one downwards (default: a linear map)");
    f("encoder", encoder, "network from x to the first layer's posterior (default: the spec's)");
    f("posterior", posterior, "posterior of each layer (default: the spec's)");
    f("prior", prior, "prior of each layer; the top's is free (default: the spec's)");
  }
};

/// The two beliefs about one layer: given what is below it, and given what is above.
struct StackedLayer {
  std::string name;
  std::shared_ptr<Network> up;    // what the posterior reads of the layer below, or of x
  std::shared_ptr<Network> down;  // what the prior reads of the layer above; null at the top
  Posterior posterior;
  Prior prior;
};

/// z1 … zL as a chain: inferred from the data up, each from the one below, and generated from the
/// top down (Burda et al. 2016, arXiv:1509.00519); with bits a sigmoid belief network (Mnih &
/// Gregor 2014, arXiv:1402.0030).
class Stacked : public Latent {
 public:
  Stacked(const LatentPlan& plan, const StackedOptions& o) {
    check(!o.sizes.empty(), "[latent stacked] sizes: found none, expected one number per layer");
    for (const auto size : o.sizes) {
      check(size > 0, "[latent stacked] sizes: found ", size, ", sizes must be positive");
    }
    for (size_t i = 0; i < o.sizes.size(); ++i) add_layer(plan, o, i);
    code_ = {o.sizes.front()};
  }

  Trace infer(const Batch& batch, int64_t samples) override {
    const int64_t s = std::max<int64_t>(samples, 1);
    const auto c = tile(batch.c, s);
    Trace trace;
    auto h = tile(layers_.front().up->forward(observed(batch), batch.c), s);
    for (size_t i = 0; i < layers_.size(); ++i) {
      const auto& layer = layers_[i];
      if (i > 0) h = layer.up->forward(trace.sites.back().value, c);
      trace.sites.push_back(draw_site(layer.name, (*layer.posterior)(corrected(layer.name, h)),
                                      nullptr, samples == 0));
    }
    for (size_t i = 0; i < layers_.size(); ++i) {
      const bool top = i + 1 == layers_.size();
      trace.sites[i].prior = prior(i, top ? Tensor() : trace.sites[i + 1].value, c);
    }
    const auto code = trace.sites.front().value;
    return finished(std::move(trace), samples, code);
  }

  Trace generate(int64_t n, const Tensor& c, const Values& fixed) override {
    check_fixed(fixed, names());
    Trace trace;
    Tensor above;
    for (size_t i = layers_.size(); i-- > 0;) {
      const auto& layer = layers_[i];
      const auto p = prior(i, above, c);
      const bool conditional = above.defined() || layer.prior->reads_condition();
      above = fixed_or_draw(layer.name, p, n, fixed, conditional);
      trace.sites.push_back({layer.name, above, Tensor(), nullptr, p});
    }
    return finished(std::move(trace), 1, above);
  }

  Shape code() const override { return code_; }

  std::vector<Tensor> prior_parameters() const override {
    std::vector<Tensor> all;
    for (const auto& layer : layers_) {
      const auto own = layer.prior->parameters();
      all.insert(all.end(), own.begin(), own.end());
      if (!layer.down) continue;
      const auto net = layer.down->parameters();
      all.insert(all.end(), net.begin(), net.end());
    }
    return all;
  }

  std::vector<LayerReport> report() const override {
    std::vector<LayerReport> lines;
    for (const auto& layer : layers_) {
      for (const auto& net : {layer.up, layer.down}) {
        if (!net) continue;
        for (auto line : net->report()) {
          line.name = layer.name + (net == layer.up ? ".up." : ".down.") + line.name;
          lines.push_back(std::move(line));
        }
      }
    }
    return lines;
  }

 private:
  void add_layer(const LatentPlan& plan, const StackedOptions& o, size_t i) {
    const bool top = i + 1 == o.sizes.size();
    const int64_t condition = condition_size(plan.data);
    StackedLayer layer{"z" + std::to_string(i + 1), nullptr, nullptr, nullptr, nullptr};
    Context at{{{o.sizes[i]}, Kind::kReal, Json::object()}, plan.data};
    layer.posterior = register_module(layer.name + "_posterior",
                                      make_head(at, plan.part(o.posterior, "posterior")));
    layer.up =
        i > 0 ? networks().make({{o.sizes[i - 1]}, layer.posterior->input(), condition}, o.between)
              : make_encoder(plan.part(o.encoder, "encoder"), plan.data, layer.posterior->input(),
                             condition);
    register_module(layer.name + "_up", layer.up);
    at.posterior = layer.posterior;
    if (top) {
      at.encoder = layer.up;
      at.role = Role::kFree;
    }
    layer.prior =
        register_module(layer.name + "_prior", make_head(at, plan.part(o.prior, "prior")));
    if (!top) {
      layer.down = register_module(
          layer.name + "_down",
          networks().make({{o.sizes[i + 1]}, layer.prior->input(), condition}, o.between));
    }
    layers_.push_back(std::move(layer));
  }

  /// p(z_i | above, c); above is undefined at the top.
  Dist prior(size_t i, const Tensor& above, const Tensor& c) {
    const auto& layer = layers_[i];
    if (layer.down) return (*layer.prior)(layer.down->forward(above, c));
    return (*layer.prior)(layer.prior->reads_condition() ? c : Tensor());
  }

  static Trace finished(Trace trace, int64_t samples, const Tensor& code) {
    trace.code = code;
    trace.log_weight = equal_weights(samples, code);
    return trace;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& layer : layers_) all.push_back(layer.name);
    return all;
  }

  std::vector<StackedLayer> layers_;
  Shape code_;
};

const bool stacked_added = latents().add<StackedOptions>(
    "stacked", "z1 … zL as a chain, inferred upwards, generated downwards: belief networks",
    [](const LatentPlan& plan, const StackedOptions& options) {
      return std::make_shared<Stacked>(plan, options);
    });

}  // namespace
}  // namespace elbo

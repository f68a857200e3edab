#include "elbo/model/refinement.h"
#include "elbo/model/spec.h"

namespace elbo {
namespace {

struct FlatOptions {
  int64_t size = 32, factor = 0, channels = 4;
  std::vector<int64_t> shape;
  Json encoder, posterior, prior;
  template <class F>
  void fields(F&& f) {
    f("size", size, "number of latent dimensions", between(1, 65536));
    f("shape", shape,
      "channels, height and width of a code shaped as a small picture, instead of size");
    f("factor", factor,
      "factor by which sides of pictures are longer than those of codes shaped as pictures "
      "(0 = as size or shape says)",
      at_least(0));
    f("channels", channels, "channels of codes where a factor gives their sides", at_least(1));
    f("encoder", encoder, "network from x to the posterior (default: the spec's)");
    f("posterior", posterior, "posterior q(z|x) (default: the spec's)");
    f("prior", prior, "prior p(z) (default: the spec's)");
  }
};

/// One vector (or small picture) z: q(z|x) from one encoder, p(z) free or conditional on c.
class Flat : public Latent {
 public:
  Flat(const LatentPlan& plan, FlatOptions options)
      : shape_(options.shape.empty() ? Shape{options.size} : options.shape) {
    check(options.shape.empty() || options.shape.size() == 3, "[latent flat] shape: found ",
          to_string(options.shape), ", expected channels, height and width");
    for (const int64_t side : options.shape) {
      check(side > 0, "[latent flat] shape: found ", to_string(options.shape),
            ", sides must be positive");
    }
    Context at{{shape_, Kind::kReal, Json::object()}, plan.data};
    posterior_ = make_head(at, plan.part(options.posterior, "posterior"));
    encoder_ = make_encoder(plan.part(options.encoder, "encoder"), plan.data, posterior_->input(),
                            condition_size(plan.data));
    at.encoder = encoder_;
    at.posterior = posterior_;
    at.role = Role::kFree;
    prior_ = make_head(at, plan.part(options.prior, "prior"));
    register_module("encoder", encoder_);
    register_module("posterior", posterior_);
    register_module("prior", prior_);
  }

  Trace infer(const Batch& batch, int64_t samples) override {
    // The encoder runs once, its features are tiled.
    const auto h = tile(encoder_->forward(observed(batch), batch.c), std::max<int64_t>(samples, 1));
    auto site =
        draw_site("z", (*posterior_)(corrected("z", h)), prior(batch, samples), samples == 0);
    Trace trace;
    trace.code = site.value;
    trace.log_weight = equal_weights(samples, site.value);
    trace.sites.push_back(std::move(site));
    return trace;
  }

  Trace generate(int64_t n, const Tensor& c, const Values& fixed) override {
    check_fixed(fixed, {"z"});
    Batch given;
    given.c = c;
    Site site{"z", Tensor(), Tensor(), nullptr, prior(given, 1)};
    site.value = fixed_or_draw("z", site.prior, n, fixed, prior_->reads_condition());
    Trace trace;
    trace.code = site.value;
    trace.log_weight = equal_weights(1, site.value);
    trace.sites.push_back(std::move(site));
    return trace;
  }

  Shape code() const override { return shape_; }
  std::vector<Tensor> prior_parameters() const override { return prior_->parameters(); }
  std::vector<LayerReport> report() const override { return encoder_->report(); }

 private:
  Dist prior(const Batch& batch, int64_t samples) {
    const auto particles = std::max<int64_t>(samples, 1);
    const auto c = prior_->reads_condition() ? tile(batch.c, particles) : Tensor();
    return batch.rows.defined() ? prior_->leave_out(c, tile(batch.rows, particles)) : (*prior_)(c);
  }

  const Shape shape_;
  std::shared_ptr<Network> encoder_;
  Posterior posterior_;
  Prior prior_;
};

const bool flat_added = latents().add<FlatOptions>(
    "flat", "One latent vector: q(z|x) and p(z)", [](const LatentPlan& plan, FlatOptions options) {
      return std::make_shared<Flat>(plan, std::move(options));
    });

}  // namespace
}  // namespace elbo

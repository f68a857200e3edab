#include "elbo/dist/continuous.h"
#include "elbo/dist/normal_mixture.h"
#include "elbo/heads/parameters.h"

namespace elbo {
namespace {

struct VampOptions {
  int64_t components = 500;
  double mean = 0.05, std = 0;
  std::string weights = "equal";
  template <class F>
  void fields(F&& f) {
    f("components", components, "pseudo-inputs", between(1, 100000));
    f("mean", mean, "of the pseudo-inputs at the start (real columns: in standard units)");
    f("std", std, "their deviation at the start; 0 = 0.01 for data in [0, 1], 1 for others",
      between(0, 100));
    f("weights", weights, "shares of the components", one_of({"equal", "learned"}));
  }
};

/// The posterior, averaged over learned pseudo-inputs. Encoder and posterior belong to the model's
/// inference: they are used here and not registered.
class VampHead : public Head {
 public:
  VampHead(const Context& at, const VampOptions& o)
      : encoder_(at.encoder), posterior_(at.posterior), shape_(at.variable.shape) {
    check(encoder_ && posterior_,
          "[head vamp] place: it needs an encoder and a posterior, use it "
          "as the prior of the latent variable that they infer");
    check(!at.data.c.present(),
          "[head vamp] condition: pseudo-inputs know none; for data with a "
          "condition use the prior conditional");
    const auto& kind = at.data.x.kind;
    check_kind("vamp", at.data.x, numeric_kinds());
    check(shape_.size() == 1, "[head vamp] shape: found ", to_string(shape_),
          ", it describes plain vectors");
    bounded_ = kind == "unit" || kind == "binary" || kind == "byte";
    counts_ = kind == "count";
    const double deviation = o.std > 0 ? o.std : bounded_ ? 0.01 : 1;
    const auto start = o.mean + deviation * torch::randn(with_rows(o.components, at.data.x.shape));
    pseudo_ = register_parameter("pseudo_inputs", in_units_of(at.data.x, start));
    if (o.weights == "learned") {
      logits_ = register_parameter("logits", torch::zeros({o.components}));
    } else {
      logits_ = register_buffer("logits", torch::zeros({o.components}));
    }
  }

  Dist operator()(const Tensor& h) override {
    check(!h.defined(), "[head vamp] place: it takes no features, use it as a free prior");
    auto x = pseudo_;
    if (bounded_) x = torch::hardtanh(x, 0, 1);
    if (counts_) x = x.clamp_min(0);
    const auto q = (*posterior_)(encoder_->forward(x));
    if (const auto* normal = dynamic_cast<const Normal*>(q.get())) {
      const auto shape = normal->shape();
      return std::make_shared<NormalMixture>(logits_, normal->loc.expand(shape),
                                             normal->log_scale.expand(shape));
    }
    check(dynamic_cast<const Laplace*>(q.get()) || dynamic_cast<const Logistic*>(q.get()) ||
              dynamic_cast<const StudentT*>(q.get()),
          "[head vamp] posterior: its density must split into dimensions, as those of normal, "
          "laplace, logistic and student do");
    return std::make_shared<Mixture>(logits_, q, 1);
  }
  Shape input() const override { return shape_; }

 private:
  static Tensor in_units_of(const Schema& x, const Tensor& standard) {
    if (!x.detail.contains("loc")) return standard;
    const auto read = [&](const char* key) {
      return torch::tensor(x.detail.at(key).get<std::vector<float>>()).view(with_rows(1, x.shape));
    };
    return read("loc") + read("scale") * standard;
  }

  std::shared_ptr<Network> encoder_;
  Posterior posterior_;
  Shape shape_;
  bool bounded_, counts_;
  Tensor pseudo_, logits_;
};

const bool added = heads().add<VampOptions>(
    "vamp", "As a free prior: the posterior at learned pseudo-inputs (Tomczak & Welling 2018)",
    [](const Context& at, VampOptions o) { return std::make_shared<VampHead>(at, o); });

}  // namespace
}  // namespace elbo

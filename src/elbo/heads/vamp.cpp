#include "elbo/distributions/continuous.h"
#include "elbo/distributions/normal_mixture.h"
#include "elbo/heads/parameters.h"
#include "elbo/model/keeps_rows.h"
#include "elbo/model/sees_training.h"

namespace elbo {
namespace {

struct VampOptions {
  int64_t components = 500;
  double mean = 0.05, std = 0;
  std::string weights = "equal";
  template <class F>
  void fields(F&& f) {
    f("components", components, "pseudo-inputs", between(1, 100000));
    f("mean", mean, "mean of the initial pseudo-inputs (real columns: in standard units)");
    f("std", std,
      "standard deviation of the initial pseudo-inputs (0 = 0.01 for data in [0, 1], 1 for others)",
      between(0, 100));
    f("weights", weights, "weights of the components", one_of({"equal", "learned"}));
  }
};

struct ExemplarOptions {
  int64_t components = 500;
  template <class F>
  void fields(F&& f) {
    f("components", components, "number of training rows kept", between(1, 100000));
  }
};

/// The posterior, averaged over some inputs. Encoder and posterior belong to the model's inference:
/// they are used here and not registered.
class PosteriorMixture : public PriorHead {
 public:
  PosteriorMixture(const char* name, const Context& at)
      : name_(name), encoder_(at.encoder), posterior_(at.posterior), shape_(at.variable.shape) {
    check(encoder_ && posterior_, where(), "place: it needs an encoder and a posterior, use it ",
          "as the prior of the latent variable that they infer");
    check(!at.data.c.present(), where(), "condition: its inputs know none; for data with a ",
          "condition use the prior conditional");
    check(shape_.size() == 1, where(), "shape: found ", to_string(shape_),
          ", it describes plain vectors");
  }
  Dist operator()(const Tensor&) final { return mixture(Tensor()); }
  Shape input() const final { return shape_; }

 protected:
  /// left_out: as of a NormalMixture.
  Dist mixture(const Tensor& left_out) {
    const auto q = (*posterior_)(encoder_->forward(inputs()));
    if (const auto* normal = dynamic_cast<const Normal*>(q.get())) {
      const auto shape = normal->shape();
      return std::make_shared<NormalMixture>(logits_, normal->loc().expand(shape),
                                             Log(log_scale(normal->log_scale()).expand(shape)),
                                             left_out);
    }
    check(may_be_any(), where(), "posterior: it must be normal");
    check(q->factorises(), where(),
          "posterior: its density must split into dimensions, as those of ",
          "normal, laplace, logistic and student do");
    return std::make_shared<Mixture>(logits_, q, 1);
  }
  /// [K, x…]
  virtual Tensor inputs() const = 0;
  /// The deviations of the components, from those of the posterior.
  virtual Tensor log_scale(const Tensor& posterior) const { return posterior; }
  virtual bool may_be_any() const { return true; }
  std::string where() const { return std::string("[head ") + name_ + "] "; }

  Tensor logits_;  // [K] of the components' shares

 private:
  const char* name_;
  std::shared_ptr<Network> encoder_;
  Posterior posterior_;
  Shape shape_;
};

class VampHead : public PosteriorMixture {
 public:
  VampHead(const Context& at, const VampOptions& o) : PosteriorMixture("vamp", at) {
    check_kind("vamp", at.data.x, numeric_kinds());
    bounded_ = is_bounded(at.data.x.kind);
    counts_ = at.data.x.kind == Kind::kCount;
    const double deviation = o.std > 0 ? o.std : bounded_ ? 0.01 : 1;
    const auto start = o.mean + deviation * torch::randn(with_rows(o.components, at.data.x.shape));
    pseudo_ = register_parameter("pseudo_inputs", in_units_of(at.data.x, start));
    if (o.weights == "learned") {
      logits_ = register_parameter("logits", torch::zeros({o.components}));
    } else {
      logits_ = register_buffer("logits", torch::zeros({o.components}));
    }
  }

 private:
  Tensor inputs() const override {
    if (bounded_) return torch::hardtanh(pseudo_, 0, 1);
    return counts_ ? pseudo_.clamp_min(0) : pseudo_;
  }
  static Tensor in_units_of(const Schema& x, const Tensor& standard) {
    const auto units = x.units();
    return units ? units->out(standard) : standard;
  }

  bool bounded_, counts_;
  Tensor pseudo_;
};

/// Normals around the codes of training rows, all of one learned width.
/// A training row that is an exemplar is judged by the others (Norouzi et al. 2020).
class ExemplarHead : public PosteriorMixture, public SeesTraining, public KeepsRows {
 public:
  ExemplarHead(const Context& at, const ExemplarOptions& o) : PosteriorMixture("exemplar", at) {
    // What stands in until the training set is seen.
    exemplars_ =
        register_buffer("exemplars", torch::rand(with_rows(o.components, at.data.x.shape)).round());
    rows_ = register_buffer("rows", torch::full({o.components}, -1, torch::kInt64));
    logits_ = register_buffer("logits", torch::zeros({o.components}));
    log_scale_ = register_parameter("log_scale", torch::zeros({1}));
  }
  Dist leave_out(const Tensor&, const Tensor& rows) override {
    if (rows_.size(0) < 2) return mixture(Tensor());
    const auto [is_own, component] = (rows.unsqueeze(1) == rows_).max(1);
    return mixture(torch::where(is_own, component, torch::full_like(component, -1)));
  }
  int64_t rows_kept() const override { return (rows_ >= 0).sum().item<int64_t>(); }
  void see(const Dataset& training) override {
    torch::NoGradGuard no_gradient;
    auto order = permutation(training.size(), Draw{}.key("exemplars"));
    const auto count = static_cast<size_t>(exemplars_.size(0));
    for (size_t i = 0; order.size() < count; ++i) order.push_back(order[i]);
    order.resize(count);
    const auto rows = torch::tensor(order);
    rows_.copy_(rows);
    exemplars_.copy_(observed(training.get(rows)));
  }

 private:
  Tensor inputs() const override { return exemplars_; }
  Tensor log_scale(const Tensor& posterior) const override {
    return log_scale_.clamp(-7, 7).expand_as(posterior);
  }
  bool may_be_any() const override { return false; }

  Tensor exemplars_, rows_, log_scale_;
};

const bool added_vamp = heads().add<VampOptions>(
    "vamp", "As a free prior: the posterior at learned pseudo-inputs (Tomczak & Welling 2018)",
    [](const Context& at, VampOptions o) { return std::make_shared<VampHead>(at, o); });

const bool added_exemplar = heads().add<ExemplarOptions>(
    "exemplar", "As a free prior: normals around the codes of training rows",
    [](const Context& at, const ExemplarOptions& o) {
      return std::make_shared<ExemplarHead>(at, o);
    });

}  // namespace
}  // namespace elbo

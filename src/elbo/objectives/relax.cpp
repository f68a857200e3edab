#include <torch/autograd.h>

#include <cmath>

#include "elbo/distributions/discrete.h"
#include "elbo/distributions/relaxed.h"
#include "elbo/kernels/choice.h"
#include "elbo/nn/network.h"
#include "elbo/objectives/drawn.h"
#include "elbo/objectives/terms.h"

namespace elbo {
namespace {

constexpr const char* kRelaxWhere = "objective relax";

struct RelaxOptions {
  double temperature = 0.5;
  Json control{{"type", "mlp"}, {"hidden", {64}}};
  template <class F>
  void fields(F&& f) {
    f("temperature", temperature, "temperature of the relaxed code at the start; it is learned",
      between(0.01, 100));
    f("control", control, "network from the relaxed code to a part of the control variate");
  }
};

/// A draw without gradient beside the numbers behind it, which have one: z, of which b is the sign
/// or the largest, and another z given b.
struct Drawing {
  Tensor b, z, given_b;
};

Drawing draw_bits(const Tensor& logits) {
  const auto options = logits.options().requires_grad(false);
  const auto z = logits + open_uniform(logits.sizes().vec(), options).logit();
  const auto b = (z.detach() > 0).to(logits.scalar_type());
  const auto v = open_uniform(logits.sizes().vec(), options), p = logits.sigmoid();
  // Where b is 1, u lies above 1 - p, else below.
  const auto u = torch::where(b > 0, 1 - v * p, v * (1 - p));
  constexpr double kEnd = 1e-6;
  return {b, z, logits + u.clamp(kEnd, 1 - kEnd).logit()};
}

Drawing draw_groups(const Tensor& logits) {
  const auto options = logits.options().requires_grad(false);
  const auto shape = logits.sizes().vec();
  const auto log_p = logits.log_softmax(-1);
  const auto z = log_p - (-open_uniform(shape, options).log()).log();
  const auto b = at::one_hot(z.detach().argmax(-1), logits.size(-1)).to(logits.scalar_type());
  const auto e = -open_uniform(shape, options).log();
  const auto highest = (e * b).sum(-1, true);  // of the largest, whose place is known
  const auto others = -(e * (-log_p).exp() + highest).log();
  return {b, z, torch::where(b > 0, -highest.log(), others)};
}

/// A code of bits, or of groups of classes: how it is drawn, and how it is softened.
class SoftCode {
 public:
  explicit SoftCode(const Site& site) {
    if (const auto* bits = dynamic_cast<const Bernoulli*>(site.posterior.get())) {
      logits_ = bits->logits;
    } else if (const auto* groups = dynamic_cast<const OneHotGroups*>(site.posterior.get())) {
      logits_ = groups->logits;
      grouped_ = true;
    } else {
      fail("[", kRelaxWhere, "] ", site.name,
           ": its posterior is of neither bits nor classes; use the head bits or one_hot");
    }
  }
  const Tensor& logits() const { return logits_; }
  /// The draw that was made, with z for it.
  Drawing draw(const Tensor& logits) const {
    return grouped_ ? draw_groups(logits) : draw_bits(logits);
  }
  Dist posterior(const Tensor& logits) const {
    if (grouped_) return std::make_shared<OneHotGroups>(logits);
    return std::make_shared<Bernoulli>(logits);
  }
  Tensor mean(const Tensor& logits) const {
    return grouped_ ? logits.softmax(-1) : logits.sigmoid();
  }
  Tensor soft(const Tensor& z, const Tensor& temperature) const {
    return grouped_ ? (z / temperature).softmax(-1).flatten(-2) : (z / temperature).sigmoid();
  }
  Tensor flat(const Tensor& b) const { return grouped_ ? b.flatten(-2) : b; }

 private:
  Tensor logits_;
  bool grouped_ = false;
};

/// The ELBO of one code of bits or classes, by the score less a learned control variate: the bound
/// of the softened code and a network's correction (Grathwohl et al. 2018, arXiv:1711.00123).
class Relax : public Objective {
 public:
  Relax(const ObjectivePlan& plan, const RelaxOptions& o) {
    log_temperature_ =
        register_parameter("log_temperature", torch::full({1}, std::log(o.temperature)));
    scale_ = register_parameter("scale", torch::ones({1}));
    control_ = register_module("control", networks().make({{numel(plan.code)}, {1}}, o.control));
  }

  std::vector<Player> players(Model& model) override {
    auto list = Objective::players(model);
    list.push_back({"control", parameters(), [this](const Step& step) { return noise(step); }});
    return list;
  }

  Terms loss(const Step& step) override {
    const auto drawn = drawn_code(step);
    // Validation reads the bound alone.
    if (!torch::GradMode::is_enabled()) return estimated(drawn.log_w, drawn.log_w, drawn.log_w);
    const auto slope = estimate(step, drawn, false).detach();
    return estimated(drawn.log_w, row_sum(slope * drawn.code.logits()), drawn.log_w);
  }

 private:
  struct Drawn {
    SoftCode code;
    Dist prior;
    Tensor logits, log_w;  // a leaf of its own; [B]
    Drawing drawing;
  };

  Drawn drawn_code(const Step& step) const {
    // The posterior without its draw: the draw is made here, from numbers that are kept.
    const auto seen = step.infer(1).trace;
    const auto& site = only_site(seen, kRelaxWhere);
    check(seen.code.is_same(site.value), "[", kRelaxWhere,
          "] latent: the decoder reads more than one drawn code; use score_function");
    const SoftCode code(site);
    auto logits = code.logits().detach().requires_grad_();
    auto drawing = code.draw(logits);
    Drawn drawn{code, site.prior, logits, Tensor(), std::move(drawing)};
    drawn.log_w = log_w(step, drawn, code.flat(drawn.drawing.b), code.logits().detach());
    return drawn;
  }

  /// [B] log p(x, z) - log q(z | x) of a code, which may be soft.
  static Tensor log_w(const Step& step, const Drawn& drawn, const Tensor& z, const Tensor& logits) {
    return step.model.decode(z, step.batch.c)->row_log_prob(step.batch.x, step.batch.mask) +
           drawn.prior->row_log_prob(z) - drawn.code.posterior(logits)->row_log_prob(z);
  }

  /// Like the logits: the estimate of the ELBO's gradient. It is a mean over draws of the true one
  /// whatever the control variate is.
  Tensor estimate(const Step& step, const Drawn& drawn, bool twice) {
    const PlainOperations differentiated_again;
    const auto temperature = log_temperature_.exp();
    const auto control = [&](const Tensor& z) {
      const auto soft = drawn.code.soft(z, temperature);
      return scale_ * log_w(step, drawn, soft, drawn.logits) + control_->forward(soft).flatten();
    };
    const auto free = control(drawn.drawing.z), given_b = control(drawn.drawing.given_b);
    const auto path =
        torch::autograd::grad({(free - given_b).sum()}, {drawn.logits}, {}, true, twice)[0];
    auto rows = std::vector<int64_t>(drawn.logits.dim(), 1);
    rows[0] = -1;
    const auto score = drawn.drawing.b - drawn.code.mean(drawn.logits.detach());
    return (drawn.log_w.detach() - given_b).view(rows) * score + path;
  }

  /// The variance of the estimate, less the square of its mean, which the control leaves alone.
  Terms noise(const Step& step) {
    return {row_sum(estimate(step, drawn_code(step), true).square()).mean(), {}};
  }

  Tensor log_temperature_, scale_;
  std::shared_ptr<Network> control_;
};

const bool relax_added = objectives().add<RelaxOptions>(
    "relax", "The ELBO of one code of bits or classes, with a learned control variate",
    [](const ObjectivePlan& plan, const RelaxOptions& options) {
      return std::make_shared<Relax>(plan, options);
    });

}  // namespace
}  // namespace elbo

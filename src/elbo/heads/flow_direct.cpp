#include "elbo/model/flow_step.h"

// Steps whose parameters are features themselves.

namespace elbo {
namespace {

/// From theta: [..., k], which is the features, or the step's own where there are none.
class DirectStep : public FlowStep {
 public:
  using Make = std::function<Bijection(const Tensor& theta)>;
  DirectStep(const FlowStepPlan& plan, int64_t k, Make make) : k_(k), make_(std::move(make)) {
    if (plan.free) theta_ = register_parameter("theta", 0.1 * torch::randn({k}));
  }
  Bijection operator()(const Tensor& h) override { return make_(theta_.defined() ? theta_ : h); }
  int64_t features() const override { return theta_.defined() ? 0 : k_; }

 private:
  int64_t k_;
  Make make_;
  Tensor theta_;
};

/// [..., rows, columns] from a part of theta.
Tensor matrix(const Tensor& theta, int64_t from, int64_t rows, int64_t columns) {
  auto shape = theta.sizes().vec();
  shape.back() = rows;
  shape.push_back(columns);
  return theta.narrow(-1, from, rows * columns).reshape(shape);
}

std::shared_ptr<FlowStep> make_planar(const FlowStepPlan& plan, NoOptions) {
  const int64_t d = plan.size;
  return std::make_shared<DirectStep>(plan, 2 * d + 1, [d](const Tensor& theta) {
    return planar(theta.narrow(-1, 0, d), theta.narrow(-1, d, d), theta.narrow(-1, 2 * d, 1));
  });
}

std::shared_ptr<FlowStep> make_radial(const FlowStepPlan& plan, NoOptions) {
  const int64_t d = plan.size;
  return std::make_shared<DirectStep>(plan, d + 2, [d](const Tensor& theta) {
    // Within ±4 alpha's exponential stays finite in float32.
    const auto log_alpha = 4 * (theta.narrow(-1, d, 1) / 4).tanh();
    return radial(theta.narrow(-1, 0, d), log_alpha, theta.narrow(-1, d + 1, 1));
  });
}

struct HouseholderOptions {
  int64_t reflections = 1;
  template <class F>
  void fields(F&& f) {
    f("reflections", reflections, "number of reflections in this step", between(1, 1000));
  }
};

std::shared_ptr<FlowStep> make_householder(const FlowStepPlan& plan, HouseholderOptions o) {
  const int64_t d = plan.size, k = o.reflections;
  return std::make_shared<DirectStep>(plan, k * d, [d, k](const Tensor& theta) {
    // Away from 0, where a reflection has no direction.
    return householder(matrix(theta, 0, k, d) + 1);
  });
}

struct SylvesterOptions {
  std::string kind = "orthogonal";
  int64_t columns = 0;
  int64_t reflections = 4;
  template <class F>
  void fields(F&& f) {
    f("kind", kind,
      "source of the directions: orthogonal (QR), householder (reflections) or triangular (the "
      "axes)",
      one_of({"orthogonal", "householder", "triangular"}));
    f("columns", columns, "number of directions along which it bends (0 = half of the dimensions)",
      at_least(0));
    f("reflections", reflections, "number of reflections, kind householder", between(1, 1000));
  }
};

/// Q: [..., d, m] with orthonormal columns.
Tensor directions(const SylvesterOptions& o, const Tensor& theta, int64_t d, int64_t m, bool flip) {
  if (o.kind == "triangular") {
    const auto axes = torch::eye(d, theta.options());
    return flip ? axes.flip(0) : axes;
  }
  if (o.kind == "householder") return reflect_identity(matrix(theta, 0, o.reflections, d) + 1, m);
  // Features of 0 give the axes, and QR a full rank.
  const auto raw = matrix(theta, 0, d, m) + torch::eye(d, theta.options()).slice(1, 0, m);
  return std::get<0>(torch::linalg_qr(raw, "reduced"));
}

std::shared_ptr<FlowStep> make_sylvester(const FlowStepPlan& plan, const SylvesterOptions& o) {
  const int64_t d = plan.size;
  const int64_t asked = o.columns > 0 ? o.columns : std::max<int64_t>(1, d / 2);
  check(asked <= d, "[step sylvester] columns: found ", asked, ", there are ", d, " dimensions");
  const int64_t m = o.kind == "triangular" ? d : asked;
  const int64_t of_q = o.kind == "triangular"    ? 0
                       : o.kind == "householder" ? o.reflections * d
                                                 : d * m;
  const bool flip = plan.index % 2 == 1;
  return std::make_shared<DirectStep>(plan, of_q + m * m + 2 * m, [=](const Tensor& theta) {
    const auto both = matrix(theta, of_q, m, m);
    const auto second = theta.narrow(-1, of_q + m * m, m).tanh();
    // Diagonals within ±1, so that their product lies above -1.
    const auto first = both.diagonal(0, -2, -1).tanh();
    const auto R = both.triu(1) + torch::diag_embed(first);
    const auto S = both.tril(-1).transpose(-1, -2) + torch::diag_embed(second);
    return sylvester(directions(o, theta, d, m, flip), R, S, theta.narrow(-1, of_q + m * m + m, m));
  });
}

const bool added_planar = flow_steps().add<NoOptions>(
    "planar", "Bends along one direction (Rezende & Mohamed 2015, arXiv:1505.05770)", make_planar);
const bool added_radial = flow_steps().add<NoOptions>(
    "radial", "Contracts or expands around a point (Rezende & Mohamed 2015)", make_radial);
const bool added_householder = flow_steps().add<HouseholderOptions>(
    "householder", "A learned rotation (Tomczak & Welling 2016, arXiv:1611.09630)",
    make_householder);
const bool added_sylvester = flow_steps().add<SylvesterOptions>(
    "sylvester", "Bends along many directions (van den Berg et al. 2018, arXiv:1803.05649)",
    make_sylvester);

}  // namespace
}  // namespace elbo

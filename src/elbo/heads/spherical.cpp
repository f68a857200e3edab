#include "elbo/distributions/spherical.h"

#include "elbo/heads/parameters.h"

namespace elbo {
namespace {

int64_t dimensions(const char* head, const Context& at) {
  const auto& shape = at.variable.shape;
  check(shape.size() == 1 && shape[0] >= 2, "[head ", head, "] shape: found ", to_string(shape),
        ", a sphere needs a plain vector of 2 dimensions or more");
  return shape[0];
}

/// Direction and concentration: the features' direction, and 1 + softplus of the last one.
class VonMisesFisherHead : public ReadingHead {
 public:
  explicit VonMisesFisherHead(const Context& at) : m_(dimensions("von_mises_fisher", at)) {}
  Dist operator()(const Tensor& h) override {
    const auto raw = h.narrow(1, 0, m_);
    const auto direction = raw / raw.norm(2, 1, true).clamp_min(1e-6);
    return std::make_shared<VonMisesFisher>(direction, 1 + torch::softplus(h.narrow(1, m_, 1)));
  }
  Shape input() const override { return {m_ + 1}; }

 private:
  int64_t m_;
};

class UniformSphereHead : public FreeHead {
 public:
  explicit UniformSphereHead(const Context& at) : m_(dimensions("uniform_sphere", at)) {}
  bool fits(Role role) const override { return role == Role::kFree; }
  Dist operator()(const Tensor&) override { return std::make_shared<UniformSphere>(m_, options()); }
  Shape input() const override { return {m_}; }

 private:
  int64_t m_;
};

const bool added_fisher = heads().add<NoOptions>(
    "von_mises_fisher", "A direction on the sphere (Davidson et al. 2018, arXiv:1804.00891)",
    [](const Context& at, NoOptions) { return std::make_shared<VonMisesFisherHead>(at); });

const bool added_sphere = heads().add<NoOptions>(
    "uniform_sphere", "Free prior of directions: all equally likely",
    [](const Context& at, NoOptions) { return std::make_shared<UniformSphereHead>(at); });

}  // namespace
}  // namespace elbo

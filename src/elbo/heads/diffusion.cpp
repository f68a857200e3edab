#include <cmath>

#include "elbo/core/constants.h"
#include "elbo/distributions/chain_steps.h"
#include "elbo/distributions/continuous.h"
#include "elbo/group/group.h"
#include "elbo/heads/parameters.h"
#include "elbo/model/starts_from_codes.h"

namespace elbo {
namespace {

struct DiffusionOptions {
  int64_t steps = 100;
  double lowest = -8, highest = 5;
  std::string weighting = "bound";
  Json network = Json{{"type", "mlp"}, {"hidden", {256, 256, 256}}, {"init", "he"}};
  template <class F>
  void fields(F&& f) {
    f("steps", steps, "steps of the chain from noise to a code", between(2, 10000));
    f("lowest", lowest, "log ratio of noise variance to signal variance at the end of the chain",
      between(-20, 0));
    f("highest", highest, "log ratio of noise variance to signal variance at its beginning",
      between(0, 20));
    f("weighting", weighting,
      "weights of the steps in training: bound (those of the density's bound) or simple (all noise "
      "levels alike, for better samples; the units of codes then stay as they are at the start)",
      one_of({"bound", "simple"}));
    f("network", network, "network from a noisy code and its noise level to the noise");
  }
};

constexpr double kStartSpread = 2, kLeastVariance = 1e-8;
constexpr int64_t kWaves = 16;  // features that tell the noise level, half sines, half cosines

/// The chain z = z_0 <- z_{1/T} <- … <- z_1 of noise with variance-preserving levels
/// alpha² = sigmoid(-g), sigma² = sigmoid(g), g linear in t (Kingma et al. 2021, arXiv:2107.00630).
class NoiseChain : public torch::nn::Module, public StartsFromCodes {
 public:
  NoiseChain(const Shape& shape, const DiffusionOptions& o) : shape(shape), o_(o) {
    network_ = register_module("network", networks().make({shape, shape, kWaves}, o.network));
    spread_ = register_parameter("spread", torch::full({o.steps}, kStartSpread));
    loc_ = register_parameter("loc", torch::zeros(shape), /*requires_grad=*/!simple());
    log_scale_ = register_parameter("log_scale", torch::zeros(shape), !simple());
  }

  int64_t steps() const { return o_.steps; }
  bool simple() const { return o_.weighting == "simple"; }
  /// Units in which codes are standard: of each channel of a picture, of each number of a vector.
  void start(const Tensor& codes) override {
    const torch::NoGradGuard no_gradient;
    std::vector<int64_t> over{0};
    if (shape.size() == 3) over = {0, 2, 3};
    const auto z = codes.reshape(with_rows(codes.numel() / numel(shape), shape));
    const auto each = [&](const Tensor& x) {
      return sum_over_group(x.mean(over, /*keepdim=*/true)) / static_cast<double>(group_size());
    };
    const auto mean = each(z);
    const auto variance = each((z - mean).square());
    loc_.copy_(mean.squeeze(0).expand_as(loc_));
    log_scale_.copy_((0.5 * (variance + kLeastVariance).log()).squeeze(0).expand_as(log_scale_));
  }
  /// g at t = i / steps.
  double level(int64_t i) const {
    return o_.lowest + (o_.highest - o_.lowest) * static_cast<double>(i) / o_.steps;
  }
  /// The noise in z: [N, shape…] at levels g: [N, 1…]. The network adds to
  /// what a standard normal's would be, sigma z.
  Tensor noise(const Tensor& z, const Tensor& g) {
    const auto frequency = torch::logspace(-1, 0.5, kWaves / 2, 10, g.options());
    const auto angle = g.reshape({-1, 1}) * frequency;
    const auto waves = torch::cat({angle.sin(), angle.cos()}, 1).expand({z.size(0), kWaves});
    return g.sigmoid().sqrt() * z + network_->forward(z, waves.contiguous());
  }
  /// log of the variance of z_{i-1} given z_i over that given the code, too: between 0, a certain
  /// code, and log sigma_i² / sigma_{i-1}², a standard normal one. i: [N, 1…], from 1.
  Tensor widening(const Tensor& i) const {
    const auto share = spread_.sigmoid().index_select(0, (i.flatten() - 1).to(torch::kInt64));
    const double slope = level(1) - level(0);
    const auto g = level(0) + slope * i;
    return share.view_as(i) * (at::log_sigmoid(g) - at::log_sigmoid(g - slope));
  }
  /// To units in which codes are about standard, and what that adds to a row's log density.
  std::pair<Tensor, Tensor> standardised(const Tensor& z) const {
    return {(z - loc_) * (-log_scale_).exp(), -log_scale_.sum()};
  }
  /// The same in units that stay.
  Tensor fixed_units(const Tensor& z) const {
    return (z - loc_.detach()) * (-log_scale_.detach()).exp();
  }
  Tensor raw(const Tensor& z) const { return loc_ + log_scale_.exp() * z; }
  torch::TensorOptions options() const { return loc_.options().requires_grad(false); }
  const Tensor& centre() const { return loc_; }

  const Shape shape;

 private:
  const DiffusionOptions o_;
  std::shared_ptr<Network> network_;
  Tensor spread_;  // [steps]
  Tensor loc_, log_scale_;
};

Tensor row_squares(const Tensor& x) { return row_sum(x.square()); }

/// log N(noise), summed per row.
Tensor log_standard(const Tensor& noise) {
  const double size = static_cast<double>(noise.numel() / noise.size(0));
  return -0.5 * row_squares(noise) - size * kHalfLogTwoPi;
}

/// log_prob is a bound by one draw. In training it looks at one step of the chain; else at the
/// whole of it, whose weight p(chain) / q(chain | z) has mean p(z): importance sampling stays
/// right.
struct Diffusion : Distribution {
  std::shared_ptr<NoiseChain> chain;
  explicit Diffusion(std::shared_ptr<NoiseChain> chain) : chain(std::move(chain)) {}

  Tensor log_prob(const Tensor& x) const override {
    const auto rows = x.reshape(with_rows(x.numel() / numel(chain->shape), chain->shape));
    const auto bound = bound_of(rows);
    return bound.view(x.sizes().slice(0, x.dim() - static_cast<int64_t>(chain->shape.size())));
  }

  Tensor sample(torch::IntArrayRef prefix) const override {
    const int64_t rows = numel(prefix.vec());
    auto z = torch::randn(with_rows(rows, chain->shape), chain->options());
    if (ChainSteps::steps() > 0) {
      z = along_few(z, std::min(ChainSteps::steps(), chain->steps()));
    } else {
      for (int64_t i = chain->steps(); i > 0; --i) {
        z = back(z, i, (0.5 * widening(i)).exp() * torch::randn_like(z)).first;
      }
      z = (z + sigma(0) * torch::randn_like(z)) / alpha(0);
    }
    return chain->raw(z).view(draw_shape(prefix, chain->shape));
  }
  Tensor mean() const override { return chain->centre(); }
  bool reparameterized() const override { return false; }

 private:
  Tensor bound_of(const Tensor& rows) const {
    if (chain->is_training() && chain->simple()) return by_noise(chain->fixed_units(rows));
    const auto [z, jacobian] = chain->standardised(rows);
    return (chain->is_training() ? by_one_step(z) : by_chain(z)) + jacobian;
  }

  /// The chain's own levels, `count` of them: each time to the code that the noise seen points to,
  /// and back to a lower level by the same noise.
  Tensor along_few(Tensor z, int64_t count) const {
    for (int64_t left = count; left > 0; --left) {
      const int64_t from = chain->steps() * left / count, to = chain->steps() * (left - 1) / count;
      const auto noise = chain->noise(z, filled(chain->level(from)));
      const auto code = (z - sigma(from) * noise) / alpha(from);
      z = to == 0 ? code : alpha(to) * code + sigma(to) * noise;
    }
    return z;
  }

  double alpha(int64_t i) const { return std::sqrt(1 / (1 + std::exp(chain->level(i)))); }
  double sigma(int64_t i) const { return std::sqrt(1 / (1 + std::exp(-chain->level(i)))); }
  /// expm1(g_i - g_{i-1}), the same for all i.
  double gap() const { return std::expm1(chain->level(1) - chain->level(0)); }
  Tensor filled(double value) const {
    return torch::full(Shape(chain->shape.size() + 1, 1), value, chain->options());
  }
  Tensor widening(int64_t i) const { return chain->widening(filled(static_cast<double>(i))); }

  /// z_{i-1} from z_i with this noise, and the noise that the network sees in z_i:
  /// N(alpha_s/alpha_t (z - sigma_t c e), sigma_s² c), c = -expm1(g_s - g_t).
  std::pair<Tensor, Tensor> back(const Tensor& z, int64_t i, const Tensor& noise,
                                 const Tensor& known = Tensor()) const {
    const double c = -std::expm1(chain->level(i - 1) - chain->level(i));
    const auto seen = chain->noise(z, filled(chain->level(i)));
    const auto& used = known.defined() ? known : seen;
    const auto mean = alpha(i - 1) / alpha(i) * (z - sigma(i) * c * used);
    return {mean + sigma(i - 1) * std::sqrt(c) * noise, seen};
  }

  /// -KL(q(z_1|z) || N(0, I))
  Tensor at_start(const Tensor& z) const {
    const double a = alpha(chain->steps()), s = sigma(chain->steps());
    return -0.5 * row_sum(a * a * z.square() + (s * s - 1 - 2 * std::log(s)));
  }
  /// log p(z|z_0) at z_0 = alpha z + sigma noise: a normal around z_0 / alpha.
  Tensor at_end(const Tensor& noise) const {
    const double size = static_cast<double>(numel(chain->shape));
    return log_standard(noise) - size * std::log(sigma(0) / alpha(0));
  }

  /// T times the KL of a step drawn for each row, evenly spread over the batch: with a widening w
  /// of d numbers, (d (w + exp(-w) - 1) + exp(-w) expm1(g_t - g_s) |e - ê|²) / 2.
  Tensor by_one_step(const Tensor& z) const {
    const auto [i, misses] = seen_noise(z);
    return at_start(z) + at_end(torch::randn_like(z)) -
           0.5 * static_cast<double>(chain->steps()) * step_cost(i, misses);
  }
  /// The same squared error of the noise at every level (Ho et al. 2020, arXiv:2006.11239), and the
  /// widenings, which the bound alone can tell.
  Tensor by_noise(const Tensor& z) const {
    const auto [i, misses] = seen_noise(z);
    return -0.5 * (misses + step_cost(i, misses.detach()));
  }

  Tensor step_cost(const Tensor& i, const Tensor& misses) const {
    const auto w = chain->widening(i).flatten();
    const auto size = static_cast<double>(numel(chain->shape));
    return size * (w + (-w).expm1()) + (-w).exp() * gap() * misses;
  }

  /// A step for each row, evenly spread over the batch, [rows, 1…], and |e - ê|² of its noise.
  std::pair<Tensor, Tensor> seen_noise(const Tensor& z) const {
    const int64_t rows = z.size(0), steps = chain->steps();
    const auto options = chain->options();
    const auto spread = (torch::arange(rows, options) + torch::rand({1}, options)) / rows;
    Shape ones(z.dim(), 1);
    ones[0] = rows;
    const auto i = (1 + (spread * steps).floor().clamp_max(steps - 1)).view(ones);
    const auto g = chain->level(0) + (chain->level(1) - chain->level(0)) * i;
    const auto noise = torch::randn_like(z);
    const auto noisy = (-g).sigmoid().sqrt() * z + g.sigmoid().sqrt() * noise;
    return {i, row_squares(noise - chain->noise(noisy, g))};
  }

  Tensor by_chain(const Tensor& z) const {
    const int64_t steps = chain->steps();
    auto noise = torch::randn_like(z);
    auto now = alpha(steps) * z + sigma(steps) * noise;
    auto weight = log_standard(now) - log_standard(noise) +
                  static_cast<double>(numel(chain->shape)) * std::log(sigma(steps));
    for (int64_t i = steps; i > 0; --i) {
      noise = torch::randn_like(z);
      const auto own = (now - alpha(i) * z) / sigma(i);
      const auto [next, seen] = back(now, i, noise, own);
      const auto w = widening(i).flatten();
      const auto off = noise + std::sqrt(gap()) * (seen - own);
      weight = weight + 0.5 * (row_squares(noise) - (-w).exp() * row_squares(off) -
                               static_cast<double>(numel(chain->shape)) * w);
      now = next;
    }
    return weight + at_end((now - alpha(0) * z) / sigma(0));
  }
};

class DiffusionHead : public PriorHead {
 public:
  DiffusionHead(const Context& at, const DiffusionOptions& o)
      : shape_(at.variable.shape),
        chain_(register_module("chain", std::make_shared<NoiseChain>(shape_, o))) {
    check_kind("diffusion", at.variable, {Kind::kReal});
  }
  Dist operator()(const Tensor&) override { return std::make_shared<Diffusion>(chain_); }
  Shape input() const override { return shape_; }

 private:
  Shape shape_;
  std::shared_ptr<NoiseChain> chain_;
};

const bool diffusion_added = heads().add<DiffusionOptions>(
    "diffusion", "As a free prior: noise becomes codes step by step; its density is a bound",
    [](const Context& at, const DiffusionOptions& o) {
      return std::make_shared<DiffusionHead>(at, o);
    });

}  // namespace
}  // namespace elbo

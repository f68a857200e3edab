// Everything that the kernels compute from given inputs, for one instruction set: this file and
// the kernels are compiled once for each (cmake/tests.cmake), so that they can be compared.
#include "variants/kernel_outputs.h"

#include <limits>

#include "elbo/kernels/activation.h"
#include "elbo/kernels/arithmetic.h"
#include "elbo/kernels/bytes.h"
#include "elbo/kernels/densities.h"
#include "elbo/kernels/gru.h"
#include "elbo/kernels/pointwise.h"
#include "elbo/kernels/update.h"
#include "elbo/kernels/winograd.h"

namespace elbo {
namespace {

constexpr int64_t kRows = 5;

class Collector {
 public:
  Collector(Outputs& out, int64_t width) : out_(out), at_(" of width " + std::to_string(width)) {}
  void add(const std::string& name, const Tensor& t) const {
    out_.emplace_back(name + at_, t.detach().clone());
  }
  /// A value and the gradients of its sum by these.
  void add(const std::string& name, const Tensor& value, const std::vector<Tensor>& by) const {
    add(name, value);
    const auto gradients = torch::autograd::grad({value.sum()}, by);
    for (size_t i = 0; i < by.size(); ++i) {
      add(name + ", gradient " + std::to_string(i + 1), gradients[i]);
    }
  }

 private:
  Outputs& out_;
  const std::string at_;
};

Tensor leaf(const Tensor& t) { return t.detach().clone().requires_grad_(); }

/// Rows of random numbers; the last one has the ends of the floats' range, zeros and NaN.
Tensor inputs(int64_t width) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  static const std::vector<float> edges{0.0f,   -0.0f,  inf,   -inf,   NAN,    88.0f, -88.0f, 90.0f,
                                        -90.0f, 1e-40f, 1e38f, -1e38f, 1e-30f, 1e9f,  -1e9f,  1.0f};
  auto t = 2 * torch::randn({kRows, width});
  for (int64_t i = 0; i < width; ++i) {
    t[kRows - 1][i] = edges[static_cast<size_t>(i) % edges.size()];
  }
  return t;
}

void densities(const Collector& out, int64_t width) {
  const auto x = inputs(width), logits = leaf(inputs(width));
  const auto mask = (torch::rand({kRows, width}) < 0.7).to(torch::kFloat32);
  for (const auto& m : {Tensor(), mask}) {
    out.add("bernoulli_rows", kernels::bernoulli_rows(logits, x.sigmoid(), m), {logits});
  }
  const auto loc = leaf(inputs(width)), log_scale = leaf(torch::randn({kRows, width}));
  const kernels::NormalParameters apart{{loc, log_scale, {}}};
  const auto both = leaf(torch::cat({torch::randn({kRows, width}), inputs(width)}, 1));
  const kernels::NormalParameters joined{{{}, {}, both}, -7, 2};
  const auto both_parts = [&](const std::string& name, const auto& f) {
    out.add(name, f(apart), {loc, log_scale});
    out.add(name + " of halves", f(joined), {both});
  };
  both_parts("normal_rows", [&](const auto& p) { return kernels::normal_rows(x, p, {}); });
  both_parts("normal_rows, masked",
             [&](const auto& p) { return kernels::normal_rows(x, p, mask); });
  both_parts("kl_standard", [](const auto& p) { return kernels::kl_standard(p); });
  both_parts("sample_normal", [](const auto& p) { return kernels::sample_normal(p); });
}

void arithmetic(const Collector& out, int64_t width) {
  const auto a = leaf(inputs(width)), b = leaf(inputs(width));
  out.add("plus", kernels::plus(a, b, 0.3), {a, b});
  out.add("mean", kernels::mean(a.slice(0, 0, kRows - 1), -2), {a});
  const auto wide = leaf(inputs(2 * width));
  const auto [first, second] = kernels::halves(wide, -1, 1.5);
  out.add("halves", first + 2 * second, {wide});
  const auto scale = torch::rand({1, width}) + 0.5;
  out.add("standardise", kernels::standardise(inputs(width), torch::randn({1, width}), scale));
}

void activations(const Collector& out, int64_t width) {
  const auto before = inputs(width), grad = torch::randn({kRows, width});
  const auto bias = torch::randn({width});
  for (int which = 0; which < static_cast<int>(Activation::kGated); ++which) {
    const auto activation = static_cast<Activation>(which);
    const auto name = "activation " + std::to_string(which);
    Tensor a = before.clone();
    if (has_pointwise_forward(activation)) {
      pointwise_forward(activation, bias.data_ptr<float>(), a.data_ptr<float>(), kRows, width);
      out.add(name, a);
    }
    auto db = torch::ones({width});
    out.add(name + ", gradient",
            activation_gradient(activation, grad, a, kRows, width, db.data_ptr<float>(), true));
    out.add(name + ", of its bias", db);
  }
  auto a = inputs(2 * width), y = torch::empty({kRows, width}), db = torch::empty({2 * width});
  gated_forward(a.data_ptr<float>(), y.data_ptr<float>(), kRows, width);
  out.add("gated", y);
  out.add("gated, gradient", activation_gradient(Activation::kGated, grad, a, kRows, width,
                                                 db.data_ptr<float>(), false));
  out.add("gated, of its bias", db);
}

void gates(const Collector& out, int64_t width) {
  const auto a = inputs(3 * width), z = torch::randn({kRows, 3 * width});
  const auto before = torch::randn({kRows, width});
  auto gates = torch::randn({kRows, 3 * width}), fresh = torch::empty({kRows, width});
  auto after = torch::empty({kRows, width});
  const auto at = [](const Tensor& t) { return t.data_ptr<float>(); };
  gru_forward({kRows, width, at(a), at(z), at(before), at(gates), at(fresh), at(after)});
  out.add("gru_forward", after);
  out.add("gru_forward, gates", gates);
  const auto grad = torch::randn({kRows, width});
  auto da = torch::empty({kRows, 3 * width}), db = torch::empty({kRows, 3 * width});
  auto carried = torch::randn({kRows, width});
  gru_backward(
      {kRows, width, at(gates), at(fresh), at(before), at(grad), at(da), at(db), at(carried)});
  for (const auto& t : {da, db, carried}) out.add("gru_backward", t);
}

void updates(const Collector& out, int64_t width) {
  for (const bool adamax : {false, true}) {
    UpdateTensors t;
    for (auto* part : {&t.value, &t.gradient, &t.first, &t.average}) *part = torch::randn({width});
    t.second = torch::rand({width});
    update(t, {adamax, 0.5f, 0.9f, 0.99f, 0.01f, 1.1f, 1e-8f, 0.01f, 0.001f, 0.9f}, 0, width);
    const auto name = adamax ? std::string("adamax") : std::string("adam");
    for (const auto& part : {t.value, t.first, t.second, t.average}) out.add(name, part);
  }
}

void bytes(const Collector& out, int64_t width) {
  const auto table = torch::randint(256, {kRows, width}, torch::kUInt8);
  auto bits = torch::empty({kRows, width});
  for (int64_t row = 0; row < kRows; ++row) {
    bernoulli_bytes(table[row].data_ptr<uint8_t>(), bits[row].data_ptr<float>(), width, 17, row);
  }
  out.add("bernoulli_bytes", bits);
  threshold_bytes(table.data_ptr<uint8_t>(), bits.data_ptr<float>(), kRows * width);
  out.add("threshold_bytes", bits);
  const auto rows = torch::tensor({3, 0, 3}, torch::kInt64);
  for (const bool unit : {false, true}) out.add("gather_floats", gather_floats(table, rows, unit));
}

void tiles(const Collector& out, int64_t width) {
  using namespace kernels;
  const TiledImage image{2, 6, width, kTileLanes};
  const TiledWeights weights{3, kTileLanes, 9, 27, true};
  const int64_t n = image.tiles();
  const auto x = torch::randn({2, 6, width, kTileLanes}), w = torch::randn({kTileLanes, 3, 3, 3});
  const auto made = [&](const char* name, int64_t numbers, const auto& make) {
    auto to = torch::zeros({numbers});
    make(to.data_ptr<float>());
    out.add(name, to);
    return to;
  };
  const int64_t size = kTileParts * plane_of(n, kTileLanes);
  const auto* from = x.data_ptr<float>();
  const auto read =
      made("tiles_of_input", size, [&](float* to) { tiles_of_input(image, from, 0, n, to); });
  made("tiles_of_gradient", size, [&](float* to) { tiles_of_gradient(image, from, 0, n, to); });
  made("output_of_tiles", x.numel(),
       [&](float* to) { output_of_tiles(image, read.data_ptr<float>(), nullptr, 0, n, to); });
  const auto kernels =
      made("tiles_of_weights", kTileParts * plane_of(3, kTileLanes),
           [&](float* to) { tiles_of_weights(weights, w.data_ptr<float>(), 0, kTileLanes, to); });
  made("weights_of_tiles", w.numel(), [&](float* to) {
    weights_of_tiles(weights, kernels.data_ptr<float>(), 1, 0, kTileLanes, to, false);
  });
}

}  // namespace
}  // namespace elbo

extern "C" void elbo_kernel_outputs(elbo::Outputs* out) {
  using namespace elbo;
  for (const int64_t width : {1, 3, 16, 37, 100}) {
    torch::manual_seed(width);
    const Collector to(*out, width);
    for (const auto part : {densities, arithmetic, activations, gates, updates, bytes, tiles}) {
      part(to, width);
    }
  }
}

// Forward and backward of our layers on the nets of peer_mlp.py and peer_conv.py: rows per second
// as one line of JSON each, with GFLOP/s by layer.
#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <iostream>

#include "elbo/host/cpu.h"
#include "elbo/nn/convolution.h"
#include "elbo/nn/dense.h"

namespace {

using namespace elbo;

constexpr double kSeconds = 0.4;
constexpr int kRepeats = 5;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Median seconds of one call.
double seconds_of(const std::function<void()>& f) {
  for (int i = 0; i < 3; ++i) f();
  std::vector<double> times;
  for (int i = 0; i < kRepeats; ++i) {
    const double start = now();
    int count = 0;
    for (; now() - start < kSeconds; ++count) f();
    times.push_back((now() - start) / count);
  }
  std::nth_element(times.begin(), times.begin() + kRepeats / 2, times.end());
  return times[kRepeats / 2];
}

void zero_gradients(const torch::nn::Module& module) {
  for (auto& p : module.parameters()) {
    if (p.grad().defined()) {
      p.mutable_grad().zero_();
    } else {
      p.mutable_grad() = torch::zeros_like(p);
    }
  }
}

Json measure(const std::string& name, const NetworkPlan& plan, const Json& declaration,
             int64_t batch) {
  const Shape code{20};
  const auto encoder = networks().make(NetworkPlan{plan.in, {40}, 0}, declaration);
  const auto decoder = networks().make(NetworkPlan{code, plan.in, 0}, declaration);
  const auto x = torch::rand(with_rows(batch, plan.in)).lt(0.2).to(torch::kFloat);
  const auto dh = torch::randn({batch, 40}), dy = torch::randn(with_rows(batch, plan.in));
  const double seconds = seconds_of([&] {
    zero_gradients(*encoder);
    zero_gradients(*decoder);
    const auto h = encoder->forward(x);
    const auto y = decoder->forward(h.narrow(1, 0, 20));
    const DirectGradients direct;
    torch::autograd::backward({h, y}, {dh, dy});
  });
  int64_t flops = 0;
  for (const auto& network : {encoder, decoder}) {
    for (const auto& line : network->report()) flops += 3 * line.flops;
  }
  flops -= encoder->report()[0].flops;  // the data need no gradient
  return {{"program", "elbo"},
          {"net", name},
          {"batch", batch},
          {"threads", at::get_num_threads()},
          {"layers_rows_per_s", std::lround(batch / seconds)},
          {"gflops", std::lround(1e-9 * flops * batch / seconds)}};
}

/// Forward and backward of one layer, x needing a gradient.
template <class Layer>
Json by_layer(const std::string& name, Layer& layer, const Tensor& input, int64_t flops) {
  const auto x = input.detach().requires_grad_();
  const auto g = torch::randn_like(layer.forward(x));
  const double forward = seconds_of([&] {
    torch::NoGradGuard no_grad;
    layer.forward(x);
  });
  zero_gradients(layer);
  const double both = seconds_of([&] {
    const DirectGradients direct;
    layer.forward(x).backward(g);
    x.mutable_grad() = Tensor();
  });
  const double work = 1e-9 * static_cast<double>(flops * x.size(0));
  return {{"layer", name},
          {"forward_us", std::lround(forward * 1e6)},
          {"backward_us", std::lround((both - forward) * 1e6)},
          {"forward_gflops", std::lround(work / forward)},
          {"backward_gflops", std::lround(2 * work / (both - forward))}};
}

Json dense_layer(int64_t in, int64_t out, int64_t batch) {
  Dense layer(in, out, Activation::kRelu);
  const auto name = "dense " + std::to_string(in) + "-" + std::to_string(out);
  return by_layer(name, layer, torch::randn({batch, in}), layer.report("").flops);
}

Json image_layer(ConvolutionPlan plan, const Shape& input, int64_t batch) {
  plan.kernel = {4, 4};
  plan.stride = {2, 2};
  plan.activation = Activation::kRelu;
  Convolution layer(plan);
  const auto name = (plan.transposed ? "transposed " : "convolution ") + to_string(input) + " to " +
                    to_string(plan.output(input));
  const auto x =
      torch::randn(with_rows(batch, input)).contiguous(torch::MemoryFormat::ChannelsLast);
  return by_layer(name, layer, x, layer.report("", input).flops);
}

}  // namespace

int main(int argc, char** argv) {
  prepare_cpu(argv);
  const int64_t batch = argc > 1 ? std::stoll(argv[1]) : 128;
  const NetworkPlan vector{{784}, {40}, 0}, image{{1, 28, 28}, {40}, 0};
  const Json mlp{{"type", "mlp"}, {"hidden", {400}}};
  const Json conv{{"type", "conv"}, {"channels", {32, 64, 128}}};
  std::vector<Json> lines{measure("mlp 784-400-20-400-784", vector, mlp, batch),
                          measure("conv 1-32-64-128, 28x28", image, conv, batch)};
  lines.push_back(dense_layer(784, 400, batch));
  lines.push_back(dense_layer(400, 784, batch));
  lines.push_back(dense_layer(400, 40, batch));
  lines.push_back(image_layer({1, 32}, {1, 28, 28}, batch));
  lines.push_back(image_layer({32, 64}, {32, 14, 14}, batch));
  lines.push_back(image_layer({64, 128}, {64, 7, 7}, batch));
  const std::array<int64_t, 2> k{4, 4}, s{2, 2}, p{1, 1};
  lines.push_back(image_layer({128, 64, k, s, p, {1, 1}, true}, {128, 3, 3}, batch));
  lines.push_back(image_layer({64, 32, k, s, p, {0, 0}, true}, {64, 7, 7}, batch));
  lines.push_back(image_layer({32, 1, k, s, p, {0, 0}, true}, {32, 14, 14}, batch));
  for (const auto& line : lines) std::cout << line.dump() << std::endl;
  return 0;
}

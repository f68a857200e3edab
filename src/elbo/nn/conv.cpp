#include "elbo/nn/convolution.h"
#include "elbo/nn/dense.h"
#include "elbo/nn/norm.h"

namespace elbo {
namespace {

constexpr int64_t kSmallest = 4;   // halving stops where no side is longer
constexpr size_t kMostStages = 5;  // unless channels are given
constexpr int64_t kMostChannels = 256;

struct ConvOptions {
  std::vector<int64_t> channels, hidden;
  int64_t kernel = 4, residual = 0;
  std::string activation = "relu", norm = "none", init = "torch";
  template <class F>
  void fields(F&& f) {
    f("channels", channels, "channels after each halving of the image; [] = 32, 64, … by its size");
    f("hidden", hidden, "sizes of dense layers between image and vector");
    f("kernel", kernel, "kernel of the layers that halve or double", between(2, 16));
    f("residual", residual, "residual blocks at each resolution", between(0, 64));
    f("activation", activation, "what follows each layer", one_of(activation_names()));
    f("norm", norm, "normalisation before the activation", one_of(kNorms));
    f("init", init, "how weights are drawn", one_of(kInitializations));
  }
};

/// A piece of the path between images.
class Step : public torch::nn::Module {
 public:
  virtual Tensor forward(const Tensor& x, const Tensor& c) = 0;
  /// Adds its lines; `shape` is its input's before and its output's after.
  virtual void report(const std::string& name, Shape& shape,
                      std::vector<LayerReport>& lines) const = 0;
};

/// Convolution, shift by the condition, normalisation, activation.
class Block : public Step {
 public:
  Block(ConvolutionPlan plan, const ConvOptions& o, int64_t condition = 0)
      : activation_(plan.activation) {
    fused_ = o.norm == "none" && condition == 0;
    if (!fused_) {
      plan.out = plan.units();
      plan.activation = Activation::kNone;
    }
    affine_ = register_module("affine", std::make_shared<Convolution>(plan, true, o.init));
    if (condition > 0) {
      shift_ = register_module("shift", std::make_shared<Dense>(condition, plan.out));
    }
    norm_ = register_module("norm", std::make_shared<Norm>(o.norm, plan.out));
  }

  Tensor forward(const Tensor& x, const Tensor& c) override {
    auto h = affine_->forward(x);
    if (fused_) return h;
    if (shift_) h = h + shift_->forward(c.flatten(1)).unsqueeze(2).unsqueeze(3);
    return watched(*this, x, activate(norm_->forward(h), activation_), 1);
  }

  void report(const std::string& name, Shape& shape,
              std::vector<LayerReport>& lines) const override {
    lines.push_back(affine_->report(name, shape));
    const auto wide = lines.back().out;
    if (shift_) lines.push_back(shift_->report(name + ".shift"));
    if (!norm_->identity()) lines.push_back(norm_->report(name + ".norm", wide));
    shape = wide;
    if (!fused_ && activation_ == Activation::kGated) shape[0] /= 2;
  }

 private:
  const Activation activation_;
  bool fused_;
  std::shared_ptr<Convolution> affine_;
  std::shared_ptr<Dense> shift_;
  std::shared_ptr<Norm> norm_;
};

/// x + a 1x1 convolution of a 3x3 block.
class Residual : public Step {
 public:
  Residual(int64_t channels, const ConvOptions& o) {
    block_ = register_module(
        "block", std::make_shared<Block>(ConvolutionPlan{channels,
                                                         channels,
                                                         {3, 3},
                                                         {1, 1},
                                                         {1, 1},
                                                         {0, 0},
                                                         false,
                                                         activation_named(o.activation)},
                                         o));
    mix_ = register_module(
        "mix", std::make_shared<Convolution>(
                   ConvolutionPlan{channels, channels, {1, 1}, {1, 1}, {0, 0}}, true, o.init));
  }
  Tensor forward(const Tensor& x, const Tensor& c) override {
    return x + mix_->forward(block_->forward(x, c));
  }
  void report(const std::string& name, Shape& shape,
              std::vector<LayerReport>& lines) const override {
    block_->report(name + ".block", shape, lines);
    lines.push_back(mix_->report(name + ".mix", shape));
  }

 private:
  std::shared_ptr<Block> block_;
  std::shared_ptr<Convolution> mix_;
};

/// To a size that halving does not reach: means when it shrinks, nearest neighbours when it grows.
class Resize : public Step {
 public:
  Resize(int64_t height, int64_t width) : size_{height, width} {}
  Tensor forward(const Tensor& x, const Tensor&) override {
    if (x.size(2) >= size_[0] && x.size(3) >= size_[1]) return torch::adaptive_avg_pool2d(x, size_);
    return torch::upsample_nearest2d(x, size_);
  }
  void report(const std::string& name, Shape& shape,
              std::vector<LayerReport>& lines) const override {
    shape = {shape[0], size_[0], size_[1]};
    lines.push_back({name, shape, 0, 0});
  }

 private:
  const Shape size_;
};

/// The layer that halves an image of this size; sides of length 1 stay.
ConvolutionPlan halving(const Shape& image, int64_t out, int64_t kernel, Activation activation) {
  ConvolutionPlan plan;
  plan.in = image[0];
  plan.out = out;
  plan.activation = activation;
  for (size_t i = 0; i < 2; ++i) {
    const bool stays = image[i + 1] == 1;
    plan.kernel[i] = stays ? 1 : kernel;
    plan.stride[i] = stays ? 1 : 2;
    plan.padding[i] = stays ? 0 : (kernel - 1) / 2;
  }
  return plan;
}

/// The transposed layer that undoes it exactly, odd sides too.
ConvolutionPlan doubling(const Shape& large, int64_t in, int64_t kernel, Activation activation) {
  auto plan = halving(large, in, kernel, activation);
  const auto small = plan.output(large);
  std::swap(plan.in, plan.out);
  plan.transposed = true;
  const auto reached = plan.output(small);
  for (size_t i = 0; i < 2; ++i) plan.output_padding[i] = large[i + 1] - reached[i + 1];
  return plan;
}

class Conv : public Network {
 public:
  Conv(const NetworkPlan& plan, const ConvOptions& options) : plan_(plan), options_(options) {
    const bool from_image = plan.in.size() == 3, to_image = plan.out.size() == 3;
    check(from_image || to_image, "[network conv] shapes: ", to_string(plan.in), " to ",
          to_string(plan.out), ": one of them must be channels x height x width; use mlp");
    for (int64_t c : options.channels) {
      check(c > 0, "[network conv] channels: found ", c, ", must be positive");
    }
    activation_ = activation_named(options.activation);
    if (!to_image) {
      auto shape = down(plan.in, {});
      tail_ = register_module("tail", mlp(shape, plan.out, 0));
    } else if (!from_image) {
      const auto sizes = pyramid(plan.out, {});
      auto start = sizes.back();
      if (activation_ == Activation::kGated) start[0] *= 2;
      front_ = register_module("front", mlp(plan.in, start, plan.condition));
      up(sizes);
    } else if (plan.in[1] >= plan.out[1] && plan.in[2] >= plan.out[2]) {
      const auto shape = down(plan.in, plan.out);
      add("out", convolution(shape[0], plan.out[0], 1));
    } else {
      const auto sizes = pyramid(plan.out, plan.in);
      const auto& start = sizes.back();
      enter(plan.in[0], sizes.size() == 1 ? channels(0) : start[0], plan.condition);
      if (start[1] != plan.in[1] || start[2] != plan.in[2]) {
        add("resize", std::make_shared<Resize>(start[1], start[2]));
      }
      up(sizes);
    }
  }

  Tensor forward(const Tensor& x, const Tensor& c) override {
    auto h = front_ ? activate(front_->forward(x.flatten(1), c), activation_)
                    : x.reshape(with_rows(x.size(0), plan_.in));
    for (const auto& [name, step] : steps_) h = step->forward(h, c);
    if (tail_) h = tail_->forward(h);
    return in_shape(h, with_rows(x.size(0), plan_.out));
  }

  std::vector<LayerReport> report() const override {
    std::vector<LayerReport> lines;
    auto shape = plan_.in;
    if (front_) {
      lines = front_->report();
      shape = lines.back().out;
      if (activation_ == Activation::kGated) shape[0] /= 2;
    }
    for (const auto& [name, step] : steps_) step->report(name, shape, lines);
    if (tail_) {
      for (auto& line : tail_->report()) lines.push_back(line);
    }
    return lines;
  }

 private:
  void add(const std::string& name, std::shared_ptr<Step> step) {
    steps_.emplace_back(name, register_module(name, std::move(step)));
  }
  void add(const std::string& name, const ConvolutionPlan& plan) {
    auto bare = options_;
    bare.norm = "none";
    add(name, std::make_shared<Block>(plan, bare));
  }
  /// A first layer that keeps the size.
  void enter(int64_t in, int64_t out, int64_t condition) {
    auto entry = convolution(in, out, 3);
    entry.activation = activation_;
    add("entry", std::make_shared<Block>(entry, options_, condition));
  }
  static ConvolutionPlan convolution(int64_t in, int64_t out, int64_t kernel) {
    const int64_t padding = kernel / 2;
    return {in, out, {kernel, kernel}, {1, 1}, {padding, padding}};
  }

  std::shared_ptr<Network> mlp(const Shape& in, const Shape& out, int64_t condition) const {
    const Json declaration{{"type", "mlp"},
                           {"hidden", options_.hidden},
                           {"activation", options_.activation},
                           {"norm", options_.norm == "group" ? "layer" : options_.norm},
                           {"init", options_.init}};
    return networks().make(NetworkPlan{in, out, condition}, declaration);
  }

  int64_t channels(size_t stage) const {
    if (options_.channels.empty()) return std::min<int64_t>(32 << stage, kMostChannels);
    return options_.channels[std::min(stage, options_.channels.size() - 1)];
  }

  /// The image and what each halving makes of it, down to a vector's neighbour or to `target`.
  std::vector<Shape> pyramid(const Shape& image, const Shape& target) const {
    std::vector<Shape> sizes{image};
    for (size_t stage = 0;; ++stage) {
      const auto& now = sizes.back();
      const int64_t longest = std::max(now[1], now[2]);
      const auto plan = halving(now, channels(stage), options_.kernel, activation_);
      const auto next = plan.output(now);
      if (!target.empty()) {
        if (longest == 1 || next[1] < target[1] || next[2] < target[2]) break;
      } else if (options_.channels.empty()) {
        if (stage > 0 && (longest <= kSmallest || stage >= kMostStages)) break;
      } else if (stage >= options_.channels.size()) {
        break;
      }
      sizes.push_back(next);
      if (longest == 1 && target.empty() && options_.channels.empty()) break;
    }
    return sizes;
  }

  /// Adds the halving layers; the shape that they reach.
  Shape down(const Shape& image, const Shape& target) {
    const auto sizes = pyramid(image, target);
    int64_t condition = plan_.condition;
    auto shape = image;
    if (sizes.size() == 1) {
      shape[0] = channels(0);
      enter(image[0], shape[0], condition);
      residuals("entry", shape[0]);
    }
    for (size_t i = 1; i < sizes.size(); ++i) {
      const auto name = "down" + std::to_string(i);
      const auto plan = halving(sizes[i - 1], sizes[i][0], options_.kernel, activation_);
      add(name, std::make_shared<Block>(plan, options_, condition));
      condition = 0;
      shape = sizes[i];
      residuals(name, shape[0]);
    }
    if (!target.empty() && (shape[1] != target[1] || shape[2] != target[2])) {
      add("resize", std::make_shared<Resize>(target[1], target[2]));
      shape = {shape[0], target[1], target[2]};
    }
    return shape;
  }

  /// Adds the doubling layers, last to first; the last one makes the image as it is.
  void up(const std::vector<Shape>& sizes) {
    if (sizes.size() == 1) add("out", convolution(channels(0), sizes[0][0], 3));
    for (size_t i = sizes.size() - 1; i > 0; --i) {
      const auto name = "up" + std::to_string(sizes.size() - i);
      residuals(name, sizes[i][0]);
      const auto f = i > 1 ? activation_ : Activation::kNone;
      const auto plan = doubling(sizes[i - 1], sizes[i][0], options_.kernel, f);
      if (i > 1) {
        add(name, std::make_shared<Block>(plan, options_));
      } else {
        add("out", plan);
      }
    }
  }

  void residuals(const std::string& name, int64_t width) {
    for (int64_t i = 0; i < options_.residual; ++i) {
      add(name + "_residual" + std::to_string(i), std::make_shared<Residual>(width, options_));
    }
  }

  const NetworkPlan plan_;
  const ConvOptions options_;
  Activation activation_;
  std::shared_ptr<Network> front_, tail_;
  std::vector<std::pair<std::string, std::shared_ptr<Step>>> steps_;
};

const bool added = networks().add<ConvOptions>(
    "conv", "Convolutions that halve or double an image: encoder, decoder, or between images",
    [](const NetworkPlan& plan, const ConvOptions& options) {
      return std::make_shared<Conv>(plan, options);
    });

}  // namespace
}  // namespace elbo

#include "elbo/nn/image_steps.h"

namespace elbo {
namespace {

constexpr int64_t kSmallest = 4;   // halving stops where no side is longer
constexpr size_t kMostStages = 5;  // unless channels are given
constexpr int64_t kMostChannels = 256;

struct ConvOptions : ImageStyle {
  std::vector<int64_t> channels, hidden;
  int64_t kernel = 4, residual = 0;
  template <class F>
  void fields(F&& f) {
    f("channels", channels,
      "channels after each halving of the image ([] = 32, 64, … by its size)");
    f("hidden", hidden, "sizes of dense layers between image and vector");
    f("kernel", kernel, "kernel size of the layers that halve or double", between(2, 16));
    f("residual", residual, "number of residual blocks at each resolution", between(0, 64));
    ImageStyle::fields(f);
  }
};

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
      add("out", keeping(shape[0], plan.out[0], 1));
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
  void add(const std::string& name, std::shared_ptr<ImageStep> step) {
    steps_.emplace_back(name, register_module(name, std::move(step)));
  }
  void add(const std::string& name, const ConvolutionPlan& plan) {
    auto bare = options_;
    bare.norm = "none";
    add(name, std::make_shared<ConvolutionBlock>(plan, bare));
  }
  /// A first layer that keeps the size.
  void enter(int64_t in, int64_t out, int64_t condition) {
    add("entry",
        std::make_shared<ConvolutionBlock>(keeping(in, out, 3, activation_), options_, condition));
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
      add(name, std::make_shared<ConvolutionBlock>(plan, options_, condition));
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
    if (sizes.size() == 1) add("out", keeping(channels(0), sizes[0][0], 3));
    for (size_t i = sizes.size() - 1; i > 0; --i) {
      const auto name = "up" + std::to_string(sizes.size() - i);
      residuals(name, sizes[i][0]);
      const auto f = i > 1 ? activation_ : Activation::kNone;
      const auto plan = doubling(sizes[i - 1], sizes[i][0], options_.kernel, f);
      if (i > 1) {
        add(name, std::make_shared<ConvolutionBlock>(plan, options_));
      } else {
        add("out", plan);
      }
    }
  }

  void residuals(const std::string& name, int64_t width) {
    for (int64_t i = 0; i < options_.residual; ++i) {
      add(name + "_residual" + std::to_string(i), std::make_shared<ResidualBlock>(width, options_));
    }
  }

  const NetworkPlan plan_;
  const ConvOptions options_;
  Activation activation_;
  std::shared_ptr<Network> front_, tail_;
  std::vector<std::pair<std::string, std::shared_ptr<ImageStep>>> steps_;
};

const bool conv_added = networks().add<ConvOptions>(
    "conv", "Convolutions that halve or double an image: encoder, decoder, or between images",
    [](const NetworkPlan& plan, const ConvOptions& options) {
      return std::make_shared<Conv>(plan, options);
    });

}  // namespace
}  // namespace elbo

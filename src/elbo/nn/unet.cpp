#include "elbo/nn/image_steps.h"

namespace elbo {
namespace {

struct UNetOptions : ImageStyle {
  std::vector<int64_t> channels{64, 128};
  int64_t residual = 1;
  UNetOptions() { activation = "silu", norm = "group"; }
  template <class F>
  void fields(F&& f) {
    f("channels", channels, "channels at each resolution, each half that of the one before");
    f("residual", residual, "number of residual blocks at each resolution, down and up",
      between(0, 64));
    ImageStyle::fields(f);
  }
};

constexpr int64_t kConditionFeatures = 4;  // times the first channels: what all blocks read of c

/// Down to a coarse picture and up again; at each resolution the way up sees what the way down saw
/// (Ronneberger et al. 2015, arXiv:1505.04597). Every block reads the condition.
class UNet : public Network {
 public:
  UNet(const NetworkPlan& plan, const UNetOptions& o) : plan_(plan), o_(o) {
    check(plan.in.size() == 3 && plan.out.size() == 3 && plan.in[1] == plan.out[1] &&
              plan.in[2] == plan.out[2],
          "[network unet] shapes: ", to_string(plan.in), " to ", to_string(plan.out),
          ": both must be channels x height x width of the same size");
    check(!o.channels.empty(), "[network unet] channels: found none, expected one or more");
    for (const int64_t c : o.channels) {
      check(c > 0, "[network unet] channels: found ", c, ", must be positive");
    }
    const auto activation = activation_named(o.activation);
    if (plan.condition > 0) {
      condition_ = kConditionFeatures * o.channels[0];
      embedding_ = register_module("embedding", std::make_shared<Dense>(plan.condition, condition_,
                                                                        activation, true, o.init));
    }
    std::vector<Shape> sizes{{o.channels[0], plan.in[1], plan.in[2]}};
    entry_ = add("entry", keeping(plan.in[0], o.channels[0], 3, activation));
    for (size_t i = 1; i < o.channels.size(); ++i) {
      const auto halved = halving(sizes.back(), o.channels[i], 3, activation);
      check(sizes.back()[1] > 1 || sizes.back()[2] > 1,
            "[network unet] channels: ", o.channels.size(), " resolutions, but after ", i,
            " the picture is a single place");
      residuals("down" + std::to_string(i), sizes.back()[0], down_);
      halvings_.push_back(add("halving" + std::to_string(i), halved));
      sizes.push_back(halved.output(sizes.back()));
    }
    residuals("middle", sizes.back()[0], middle_);
    for (size_t i = o.channels.size() - 1; i > 0; --i) {
      const auto& fine = sizes[i - 1];
      const auto number = std::to_string(i);
      doublings_.push_back(add("doubling" + number, doubling(fine, sizes[i][0], 3, activation)));
      joins_.push_back(add("join" + number, keeping(2 * fine[0], fine[0], 3, activation)));
      residuals("up" + number, fine[0], up_);
    }
    out_ = register_module(
        "out", std::make_shared<Convolution>(keeping(sizes[0][0], plan.out[0], 3), true, o.init));
  }

  Tensor forward(const Tensor& x, const Tensor& c) override {
    const auto seen = embedding_ ? embedding_->forward(c.flatten(1)) : Tensor();
    auto h = entry_->forward(in_shape(x, with_rows(x.size(0), plan_.in)), seen);
    std::vector<Tensor> finer;
    for (size_t i = 0; i < halvings_.size(); ++i) {
      h = through(down_, i, h, seen);
      finer.push_back(h);
      h = halvings_[i]->forward(h, seen);
    }
    h = through(middle_, 0, h, seen);
    for (size_t i = 0; i < doublings_.size(); ++i) {
      h = torch::cat({doublings_[i]->forward(h, seen), finer.back()}, 1);
      finer.pop_back();
      h = through(up_, i, joins_[i]->forward(h, seen), seen);
    }
    return out_->forward(h);
  }

  std::vector<LayerReport> report() const override {
    std::vector<LayerReport> lines;
    if (embedding_) lines.push_back(embedding_->report("embedding"));
    auto shape = plan_.in;
    entry_->report("entry", shape, lines);
    for (size_t i = 0; i < halvings_.size(); ++i) {
      report_through("down" + std::to_string(i + 1), down_, i, shape, lines);
      halvings_[i]->report("halving" + std::to_string(i + 1), shape, lines);
    }
    report_through("middle", middle_, 0, shape, lines);
    for (size_t i = 0; i < doublings_.size(); ++i) {
      const auto number = std::to_string(doublings_.size() - i);
      doublings_[i]->report("doubling" + number, shape, lines);
      shape[0] *= 2;
      joins_[i]->report("join" + number, shape, lines);
      report_through("up" + number, up_, i, shape, lines);
    }
    lines.push_back(out_->report("out", shape));
    return lines;
  }

 private:
  using Block = std::shared_ptr<ImageStep>;

  Block add(const std::string& name, const ConvolutionPlan& plan) {
    return register_module(name, std::make_shared<ConvolutionBlock>(plan, o_, condition_));
  }
  /// As many blocks for each resolution, one resolution after the other.
  void residuals(const std::string& name, int64_t width, std::vector<Block>& blocks) {
    for (int64_t i = 0; i < o_.residual; ++i) {
      blocks.push_back(register_module(name + "_residual" + std::to_string(i),
                                       std::make_shared<ResidualBlock>(width, o_, condition_)));
    }
  }
  Tensor through(const std::vector<Block>& blocks, size_t resolution, Tensor h,
                 const Tensor& c) const {
    const auto each = static_cast<size_t>(o_.residual);
    for (size_t i = 0; i < each; ++i) h = blocks[resolution * each + i]->forward(h, c);
    return h;
  }
  void report_through(const std::string& name, const std::vector<Block>& blocks, size_t resolution,
                      Shape& shape, std::vector<LayerReport>& lines) const {
    const auto each = static_cast<size_t>(o_.residual);
    for (size_t i = 0; i < each; ++i) {
      blocks[resolution * each + i]->report(name + "_residual" + std::to_string(i), shape, lines);
    }
  }

  const NetworkPlan plan_;
  const UNetOptions o_;
  int64_t condition_ = 0;
  std::shared_ptr<Dense> embedding_;
  Block entry_;
  std::vector<Block> down_, halvings_, middle_, doublings_, joins_, up_;
  std::shared_ptr<Convolution> out_;
};

const bool unet_added = networks().add<UNetOptions>(
    "unet", "From an image to one of the same size, down and up again with skip connections",
    [](const NetworkPlan& plan, const UNetOptions& options) {
      return std::make_shared<UNet>(plan, options);
    });

}  // namespace
}  // namespace elbo

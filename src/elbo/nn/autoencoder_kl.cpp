#include "elbo/nn/picture_network.h"

namespace elbo {
namespace {

constexpr size_t kMostLevels = 8;

struct KlOptions {
  std::vector<int64_t> channels;
  int64_t width = 64, blocks = 2, groups = 32;
  bool attention = true, code_layer = true, centred = true;
  std::string side = "auto";
  template <class F>
  void fields(F&& f) {
    f("channels", channels,
      "channels at each resolution from the picture's down, each half the one before ([] = the "
      "width, twice it, and four times it from there on, as many as the sizes ask for)");
    f("width", width, "channels at the picture's resolution where channels is []",
      between(1, 4096));
    f("blocks", blocks, "residual blocks at each resolution; the decoder has one more",
      between(1, 64));
    f("groups", groups, "groups of channels that are normalised together", between(1, 1024));
    f("attention", attention, "attention between the two blocks of the lowest resolution");
    f("code_layer", code_layer, "a 1x1 convolution next to the code (quant_conv, post_quant_conv)");
    f("centred", centred, "pictures of 0 to 1 are -1 to 1 inside the network");
    f("side", side, "side of the code; auto follows from the sizes (encoder where they are equal)",
      one_of({"auto", "encoder", "decoder"}));
  }
};

/// The image autoencoder of latent diffusion. Modules have the names of published weights.
class AutoencoderKl : public PictureNetwork {
 public:
  AutoencoderKl(const NetworkPlan& plan, KlOptions options)
      : PictureNetwork(plan.in), plan_(plan), o_(std::move(options)) {
    check(plan.condition == 0, "[network autoencoder_kl] condition: it reads none");
    check(plan.in.size() == 3 && plan.out.size() == 3,
          "[network autoencoder_kl] shapes: ", to_string(plan.in), " to ", to_string(plan.out),
          ": both must be channels x height x width; a code has a latent.shape");
    encodes_ = o_.side == "encoder" ||
               (o_.side == "auto" && plan.in[1] >= plan.out[1] && plan.in[2] >= plan.out[2]);
    if (o_.channels.empty()) {
      const auto& large = encodes_ ? plan.in : plan.out;
      const auto& small = encodes_ ? plan.out : plan.in;
      o_.channels = usual_picture_channels(o_.width, large[1], small[1]);
    }
    check(o_.channels.size() <= kMostLevels, "[network autoencoder_kl] channels: found ",
          o_.channels.size(), " resolutions, at most ", kMostLevels);
    for (const int64_t c : o_.channels) {
      check(c > 0 && c % o_.groups == 0, "[network autoencoder_kl] channels: found ", c,
            ", must be a multiple of the ", o_.groups, " groups");
    }
    check_sizes();
    encodes_ ? add_encoder() : add_decoder();
  }

  int64_t factor() const override { return int64_t{1} << (o_.channels.size() - 1); }

  Tensor forward(const Tensor& x, const Tensor&) override {
    const int64_t each = encodes_ ? factor() : 1;
    check(x.dim() == 4 && x.size(1) == plan_.in[0] && x.size(2) >= each && x.size(3) >= each,
          "[network autoencoder_kl] input: found ", to_string(Shape(x.sizes().vec())),
          ", expected rows of ", plan_.in[0], " channels and sides of at least ", each);
    auto h = x;
    if (encodes_ && o_.centred) h = h * 2 - 1;
    h = through(h);
    return !encodes_ && o_.centred ? h / 2 + 0.5 : h;
  }

 private:
  void check_sizes() const {
    const auto& large = encodes_ ? plan_.in : plan_.out;
    const auto& small = encodes_ ? plan_.out : plan_.in;
    const bool fit = small[1] * factor() == large[1] && small[2] * factor() == large[2];
    check(fit, "[network autoencoder_kl] shapes: ", to_string(plan_.in), " to ",
          to_string(plan_.out), ", but ", o_.channels.size(), " resolutions make sides ", factor(),
          " times as long");
  }

  void add_middle(int64_t channels) {
    const auto at = ModulePath(*this) / "mid_block";
    const auto residual = [&](int64_t i) {
      add(residual_step(at / "resnets" / i, "mid_block.resnets." + std::to_string(i), channels,
                        channels, o_.groups));
    };
    residual(0);
    if (o_.attention) {
      add(attention_step(at / "attentions" / 0, "mid_block.attentions.0", channels, o_.groups));
    }
    residual(1);
  }

  /// Residual blocks of one resolution; the first changes the channels.
  void add_level(const std::string& side, int64_t level, int64_t in, int64_t out, int64_t blocks) {
    const auto at = ModulePath(*this) / side / level / "resnets";
    const auto name = side + "." + std::to_string(level) + ".resnets.";
    for (int64_t i = 0; i < blocks; ++i) {
      add(residual_step(at / i, name + std::to_string(i), i == 0 ? in : out, out, o_.groups));
    }
  }

  void add_encoder() {
    const ModulePath at(*this);
    const auto levels = static_cast<int64_t>(o_.channels.size());
    add(convolution_step(at, "conv_in", plan_.in[0], o_.channels[0], 3));
    int64_t in = o_.channels[0];
    for (int64_t i = 0; i < levels; ++i) {
      const int64_t out = o_.channels[static_cast<size_t>(i)];
      add_level("down_blocks", i, in, out, o_.blocks);
      const auto name = "down_blocks." + std::to_string(i) + ".downsamplers.0.conv";
      if (i + 1 < levels) add(down_step(at / "down_blocks" / i, name, out));
      in = out;
    }
    add_middle(in);
    add(norm_step(at, "conv_norm_out", in, o_.groups));
    add(convolution_step(at, "conv_out", in, plan_.out[0], 3));
    if (o_.code_layer) add(convolution_step(at, "quant_conv", plan_.out[0], plan_.out[0], 1));
  }

  void add_decoder() {
    const ModulePath at(*this);
    const auto levels = static_cast<int64_t>(o_.channels.size());
    if (o_.code_layer) add(convolution_step(at, "post_quant_conv", plan_.in[0], plan_.in[0], 1));
    int64_t in = o_.channels.back();
    add(convolution_step(at, "conv_in", plan_.in[0], in, 3));
    add_middle(in);
    for (int64_t i = 0; i < levels; ++i) {
      const int64_t out = o_.channels[static_cast<size_t>(levels - 1 - i)];
      add_level("up_blocks", i, in, out, o_.blocks + 1);
      const auto name = "up_blocks." + std::to_string(i) + ".upsamplers.0.conv";
      if (i + 1 < levels) add(up_step(at / "up_blocks" / i, name, out));
      in = out;
    }
    add(norm_step(at, "conv_norm_out", in, o_.groups));
    add(convolution_step(at, "conv_out", in, plan_.out[0], 3));
  }

  const NetworkPlan plan_;
  KlOptions o_;
  bool encodes_ = true;
};

const bool autoencoder_kl_added = networks().add<KlOptions>(
    "autoencoder_kl",
    "Residual blocks and attention of latent diffusion's image autoencoder, for pictures of any "
    "size",
    [](const NetworkPlan& plan, KlOptions options) {
      return std::make_shared<AutoencoderKl>(plan, std::move(options));
    });

}  // namespace
}  // namespace elbo

#include "elbo/nn/image_steps.h"
#include "elbo/nn/picture_network.h"

namespace elbo {
namespace {

constexpr double kLargestCode = 3;
constexpr size_t kMostTinyLevels = 8;

struct TinyOptions {
  int64_t channels = 64;
  std::vector<int64_t> blocks;
  std::string side = "auto";
  template <class F>
  void fields(F&& f) {
    f("channels", channels, "channels at every resolution", between(1, 4096));
    f("blocks", blocks,
      "residual blocks at each resolution in the order of the network ([] = 3 each, 1 at the "
      "picture's)");
    f("side", side, "side of the code; auto follows from the sizes (encoder where they are equal)",
      one_of({"auto", "encoder", "decoder"}));
  }
};

/// A small image autoencoder without normalisation and attention, trained to stand in for a large
/// one. Modules have the names of published weights.
class AutoencoderTiny : public PictureNetwork {
 public:
  AutoencoderTiny(const NetworkPlan& plan, TinyOptions options)
      : PictureNetwork(plan.in), plan_(plan), o_(std::move(options)) {
    check(plan.condition == 0, "[network autoencoder_tiny] condition: it reads none");
    check(plan.in.size() == 3 && plan.out.size() == 3,
          "[network autoencoder_tiny] shapes: ", to_string(plan.in), " to ", to_string(plan.out),
          ": both must be channels x height x width; a code has a latent.shape");
    encodes_ = o_.side == "encoder" ||
               (o_.side == "auto" && plan.in[1] >= plan.out[1] && plan.in[2] >= plan.out[2]);
    if (o_.blocks.empty()) o_.blocks = usual_blocks();
    check(o_.blocks.size() <= kMostTinyLevels, "[network autoencoder_tiny] blocks: found ",
          o_.blocks.size(), " resolutions, at most ", kMostTinyLevels);
    for (const int64_t n : o_.blocks) {
      check(n >= 0 && n <= 64, "[network autoencoder_tiny] blocks: found ", n, ", allowed 0 to 64");
    }
    const auto& large = encodes_ ? plan.in : plan.out;
    const auto& small = encodes_ ? plan.out : plan.in;
    check(small[1] * factor() == large[1] && small[2] * factor() == large[2],
          "[network autoencoder_tiny] shapes: ", to_string(plan.in), " to ", to_string(plan.out),
          ", but ", o_.blocks.size(), " resolutions make sides ", factor(), " times as long");
    encodes_ ? add_encoder() : add_decoder();
  }

  int64_t factor() const override { return int64_t{1} << (o_.blocks.size() - 1); }

  Tensor forward(const Tensor& x, const Tensor&) override {
    const int64_t each = encodes_ ? factor() : 1;
    check(x.dim() == 4 && x.size(1) == plan_.in[0] && x.size(2) >= each && x.size(3) >= each,
          "[network autoencoder_tiny] input: found ", to_string(Shape(x.sizes().vec())),
          ", expected rows of ", plan_.in[0], " channels and sides of at least ", each);
    return through(x);
  }

 private:
  std::vector<int64_t> usual_blocks() const {
    const auto& large = encodes_ ? plan_.in : plan_.out;
    const auto& small = encodes_ ? plan_.out : plan_.in;
    std::vector<int64_t> blocks{1};
    for (int64_t side = large[1]; side / 2 >= small[1] && side > 1; side /= 2) {
      blocks.insert(encodes_ ? blocks.end() : blocks.begin(), 3);
    }
    return blocks;
  }

  /// The next place of a chain whose steps without weights count, too.
  std::string next() { return std::to_string(place_++); }
  void layer(const ConvolutionPlan& plan, bool bias) {
    add(convolution_step(ModulePath(*this) / "layers", next(), plan, bias));
  }
  void residuals(int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      const auto place = next();
      add(plain_residual_step(ModulePath(*this) / "layers" / place / "conv", "layers." + place,
                              o_.channels));
    }
  }

  void add_encoder() {
    const int64_t c = o_.channels;
    for (size_t i = 0; i < o_.blocks.size(); ++i) {
      i == 0 ? layer(keeping(plan_.in[0], c, 3), true)
             : layer({c, c, {3, 3}, {2, 2}, {1, 1}}, false);
      residuals(o_.blocks[i]);
    }
    layer(keeping(c, plan_.out[0], 3), true);
  }

  void add_decoder() {
    const int64_t c = o_.channels;
    add(bounding_step(kLargestCode));
    layer(keeping(plan_.in[0], c, 3, Activation::kRelu), true);
    next();  // the rectifier
    for (size_t i = 0; i < o_.blocks.size(); ++i) {
      residuals(o_.blocks[i]);
      const bool last = i + 1 == o_.blocks.size();
      if (!last) {
        add(doubling_step());
        next();
      }
      layer(keeping(c, last ? plan_.out[0] : c, 3), last);
    }
  }

  const NetworkPlan plan_;
  TinyOptions o_;
  bool encodes_ = true;
  int64_t place_ = 0;
};

const bool autoencoder_tiny_added = networks().add<TinyOptions>(
    "autoencoder_tiny",
    "Plain residual blocks of the tiny image autoencoder, for pictures of any size",
    [](const NetworkPlan& plan, TinyOptions options) {
      return std::make_shared<AutoencoderTiny>(plan, std::move(options));
    });

}  // namespace
}  // namespace elbo

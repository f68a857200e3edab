#pragma once

#include <torch/nn/module.h>

#include <functional>
#include <memory>

#include "elbo/core/options.h"
#include "elbo/nn/network.h"

namespace elbo {

/// Places in raster order, row by row: in, out and context are channels.
struct CausalPlan {
  int64_t in = 1, out = 1, height = 1, width = 1;
  int64_t context = 0;  // known of every place beforehand; 0 = nothing
};

/// What stands at a place of the output depends on the context at this place and on the input and
/// context at earlier places alone.
class CausalNetwork : public torch::nn::Module {
 public:
  /// x: [B, in, H, W]; context: [B, context, H, W] or undefined -> [B, out, H, W].
  virtual Tensor forward(const Tensor& x, const Tensor& context = Tensor()) = 0;
  /// The same where each place's input is made from its output: next([B, out]) gives [B, in] and is
  /// called once for each place, in order. Without gradients.
  using Next = std::function<Tensor(const Tensor& out)>;
  virtual void walk(int64_t rows, const Tensor& context, const Next& next) = 0;
};

struct PixelCnnOptions {
  int64_t features = 64, layers = 5, kernel = 5;
  bool direct = false;
  template <class F>
  void fields(F&& f) {
    f("features", features, "number of channels of the masked layers", between(1, 4096));
    f("layers", layers, "number of masked layers", between(1, 100));
    f("kernel", kernel, "kernel size of the masked layers; odd", between(3, 31));
    f("direct", direct,
      "decoder features also go straight to the output: with a beta that starts near 0 a code is "
      "learned before the masked layers make it superfluous");
  }
};
/// Gated convolutions over what is above and what is to the left (van den Oord et al. 2016,
/// arXiv:1606.05328): no place before lies in a blind spot.
std::shared_ptr<CausalNetwork> make_pixel_cnn(const CausalPlan& plan, const PixelCnnOptions& o);

struct TransformerOptions {
  int64_t features = 64, layers = 3, heads = 4;
  double dropout = 0;
  template <class F>
  void fields(F&& f) {
    f("features", features, "model width; a multiple of heads", between(1, 4096));
    f("layers", layers, "number of blocks of attention and two dense layers", between(1, 100));
    f("heads", heads, "number of attention heads", between(1, 64));
    f("dropout", dropout, "fraction of a block's outputs dropped in training", between(0, 0.9));
  }
};
/// Attention to all earlier places (Vaswani et al. 2017, arXiv:1706.03762), normalised before each
/// part.
std::shared_ptr<CausalNetwork> make_transformer(const CausalPlan& plan,
                                                const TransformerOptions& o);

}  // namespace elbo

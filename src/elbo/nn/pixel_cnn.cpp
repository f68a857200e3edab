#include "elbo/nn/causal.h"
#include "elbo/nn/convolution.h"

namespace elbo {
namespace {

/// Zeros before the first row (axis 2) or the first column (axis 3).
Tensor pad_before(const Tensor& x, int64_t axis, int64_t count) {
  auto shape = x.sizes().vec();
  shape[axis] = count;
  return torch::cat({torch::zeros(shape, x.options()), x}, axis);
}

/// What follows from places one step earlier along an axis.
Tensor shifted(const Tensor& x, int64_t axis) {
  return pad_before(x.narrow(axis, 0, x.size(axis) - 1), axis, 1);
}

/// The last `window` entries along an axis after one more has come.
Tensor rolled(const Tensor& window, const Tensor& next, int64_t axis) {
  return torch::cat({window.narrow(axis, 1, window.size(axis) - 1), next}, axis);
}

std::shared_ptr<Convolution> convolution(int64_t in, int64_t out, std::array<int64_t, 2> kernel,
                                         int64_t side = 0,
                                         Activation activation = Activation::kNone) {
  return std::make_shared<Convolution>(
      ConvolutionPlan{in, out, kernel, {1, 1}, {0, side}, {0, 0}, false, activation});
}

/// One layer of both stacks: v sees the rows up to its own, u what is left of it in its row, and
/// from v the rows above.
class MaskedLayer : public torch::nn::Module {
 public:
  MaskedLayer(const CausalPlan& plan, const PixelCnnOptions& o, bool first) : first_(first) {
    const int64_t in = first ? plan.in : o.features, reach = o.kernel / 2 + 1;
    const bool tall = plan.height > 1;
    if (tall) {
      above_ = register_module("above", convolution(in, o.features, {reach, o.kernel}, o.kernel / 2,
                                                    Activation::kGated));
    }
    left_ = register_module("left", convolution(in, 2 * o.features, {1, reach}));
    const int64_t beside = (tall ? o.features : 0) + plan.context;
    if (beside > 0) {
      beside_ = register_module("beside", convolution(beside, 2 * o.features, {1, 1}));
    }
    mix_ = register_module("mix", convolution(o.features, o.features, {1, 1}));
  }

  /// rows: as many as the window reaches back, then those to be computed; the latter's v.
  Tensor above(const Tensor& rows) {
    const auto v = above_->forward(rows);
    return first_ ? v : v + rows.narrow(2, rows.size(2) - v.size(2), v.size(2));
  }
  /// What v, one row further up, and the context tell u; undefined where there is neither.
  Tensor beside(const Tensor& v, const Tensor& context) {
    if (!beside_) return Tensor();
    if (!v.defined()) return beside_->forward(context);
    return beside_->forward(context.defined() ? torch::cat({v, context}, 1) : v);
  }
  /// columns: as many as the window reaches back, then those to be computed; the latter's u.
  Tensor left(const Tensor& columns, const Tensor& beside) {
    auto a = left_->forward(columns);
    if (beside.defined()) a = a + beside;
    const auto u = mix_->forward(activate(a, Activation::kGated));
    return first_ ? u : u + columns.narrow(3, columns.size(3) - u.size(3), u.size(3));
  }
  bool tall() const { return above_ != nullptr; }

 private:
  const bool first_;
  std::shared_ptr<Convolution> above_, left_, beside_, mix_;
};

class PixelCnn : public CausalNetwork {
 public:
  PixelCnn(const CausalPlan& plan, const PixelCnnOptions& o) : plan_(plan), o_(o) {
    check(o.kernel % 2 == 1, "[pixel_cnn] kernel: found ", o.kernel, ", must be odd");
    for (int64_t i = 0; i < o.layers; ++i) {
      layers_.push_back(register_module("layer" + std::to_string(i),
                                        std::make_shared<MaskedLayer>(plan, o, i == 0)));
    }
    hidden_ = register_module("hidden", convolution(o.features, o.features, {1, 1}));
    out_ = register_module("out", convolution(o.features, plan.out, {1, 1}));
    if (o.direct && plan.context > 0) {
      direct_ = register_module("direct", convolution(plan.context, plan.out, {1, 1}));
    }
  }

  Tensor forward(const Tensor& x, const Tensor& context) override {
    const int64_t reach = o_.kernel / 2;
    auto v = x, u = shifted(x, 3);  // a place does not see itself
    for (const auto& layer : layers_) {
      if (layer->tall()) v = layer->above(pad_before(v, 2, reach));
      const auto beside = layer->beside(layer->tall() ? shifted(v, 2) : Tensor(), context);
      u = layer->left(pad_before(u, 3, reach), beside);
    }
    return outputs(u, context);
  }

  void walk(int64_t rows, const Tensor& context, const Next& next) override {
    torch::NoGradGuard no_gradient;
    const auto options = layers_[0]->parameters()[0].options().requires_grad(false);
    const auto blank = [&](int64_t i, int64_t height, int64_t width) {
      return torch::zeros({rows, i == 0 ? plan_.in : o_.features, height, width}, options);
    };
    const int64_t depth = o_.layers, reach = o_.kernel / 2 + 1;
    std::vector<Tensor> v_rows, v_above, beside(depth);
    for (int64_t i = 0; i < depth; ++i) {
      v_rows.push_back(blank(i, reach, plan_.width));  // of the layer's input
      v_above.push_back(plan_.height > 1 ? blank(1, 1, plan_.width) : Tensor());  // of its output
    }
    for (int64_t h = 0; h < plan_.height; ++h) {
      const auto here = context.defined() ? context.narrow(2, h, 1) : context;
      for (int64_t i = 0; i < depth; ++i) beside[i] = layers_[i]->beside(v_above[i], here);
      std::vector<Tensor> u_columns;
      const auto known = [&](const Tensor& t, int64_t w) {
        return t.defined() ? t.narrow(3, w, 1) : t;
      };
      for (int64_t i = 0; i < depth; ++i) u_columns.push_back(blank(i, 1, reach));
      std::vector<Tensor> row;
      auto before = blank(0, 1, 1);
      for (int64_t w = 0; w < plan_.width; ++w) {
        auto u = before;
        for (int64_t i = 0; i < depth; ++i) {
          u_columns[i] = rolled(u_columns[i], u, 3);
          u = layers_[i]->left(u_columns[i], known(beside[i], w));
        }
        before = next(outputs(u, known(here, w)).flatten(1)).view({rows, plan_.in, 1, 1});
        row.push_back(before);
      }
      if (plan_.height == 1) continue;
      auto v = torch::cat(row, 3);
      for (int64_t i = 0; i < depth; ++i) {
        v_rows[i] = rolled(v_rows[i], v, 2);
        v = v_above[i] = layers_[i]->above(v_rows[i]);
      }
    }
  }

 private:
  Tensor outputs(const Tensor& u, const Tensor& context) {
    const auto out = out_->forward(torch::relu(hidden_->forward(torch::relu(u))));
    return direct_ ? out + direct_->forward(context) : out;
  }

  const CausalPlan plan_;
  const PixelCnnOptions o_;
  std::vector<std::shared_ptr<MaskedLayer>> layers_;
  std::shared_ptr<Convolution> hidden_, out_, direct_;
};

}  // namespace

std::shared_ptr<CausalNetwork> make_pixel_cnn(const CausalPlan& plan, const PixelCnnOptions& o) {
  return std::make_shared<PixelCnn>(plan, o);
}

}  // namespace elbo

#include "elbo/heads/parameters.h"
#include "elbo/nn/causal.h"

namespace elbo {
namespace {

/// Where the components of a variable stand in raster order; the channels of a pixel follow each
/// other, as columns. A plain vector is a single row.
struct Raster {
  explicit Raster(const Schema& variable) : shape(variable.shape) {
    check(!shape.empty() && shape.size() <= 3, "[autoregressive] shape: found ", to_string(shape),
          ", expected a vector, a grid or an image");
    channels = shape.size() == 3 ? shape[0] : 1;
    height = shape.size() == 1 ? 1 : shape[shape.size() - 2];
    width = shape.back() * channels;
  }
  /// [N, shape…] -> [N, 1, H, W]
  Tensor in_order(const Tensor& x) const {
    const auto image = x.reshape({x.size(0), channels, height, width / channels});
    return image.permute({0, 2, 3, 1}).reshape({x.size(0), 1, height, width});
  }
  /// The way back, of any [N, …] with as many numbers.
  Tensor restored(const Tensor& x) const {
    return x.reshape({x.size(0), height, width / channels, channels})
        .permute({0, 3, 1, 2})
        .reshape(with_rows(x.size(0), shape));
  }
  /// [N, k, …] of each pixel -> [N, k, H, W], the same for its channels.
  Tensor features(const Tensor& h, int64_t k) const {
    const auto image = h.reshape({h.size(0), k, height, width / channels});
    return channels == 1 ? image : image.repeat_interleave(channels, 3);
  }
  /// [1, channels, H, W]: which channel a place is.
  Tensor roles(const torch::TensorOptions& options) const {
    const auto one = torch::eye(channels, options).repeat({1, width / channels});
    return one.view({1, channels, 1, width}).expand({1, channels, height, width});
  }
  Shape shape;
  int64_t channels, height, width;
};

using MakeNetwork = std::function<std::shared_ptr<CausalNetwork>(const CausalPlan&)>;

struct Design {
  const char* name;
  int64_t context, embedding;
  MakeNetwork network;
};

/// p(x) = prod_i p(x_i | x_<i, context): the network, and how it reads and describes one component.
class Chain : public torch::nn::Module {
 public:
  Chain(const Context& at, const Design& design, bool free)
      : raster(at.variable), context_(free ? 0 : design.context) {
    check_kind(design.name, at.variable, {Kind::kBinary, Kind::kByte, Kind::kCategory});
    const bool classes = at.variable.kind == Kind::kCategory;
    const auto one_of_them = [&](const Shape& shape) {
      Schema variable{shape, at.variable.kind, at.variable.detail};
      const Json head = classes ? Json("categorical")
                        : at.variable.kind == Kind::kBinary
                            ? Json("bernoulli")
                            : Json{{"type", "discretized_logistic"}, {"components", 10}};
      return make_head({variable, at.data}, head);
    };
    all_ = one_of_them({1, raster.height, raster.width});
    one_ = one_of_them({1, 1, 1});
    const int64_t out = one_->input()[0];
    if (classes) {
      // Logits of as many classes: one row for each.
      embedding_ =
          register_parameter("embedding", torch::randn({out, design.embedding}) /
                                              std::sqrt(static_cast<double>(design.embedding)));
    }
    const int64_t roles = raster.channels > 1 ? raster.channels : 0;
    network_ =
        register_module("network", design.network({classes ? design.embedding : 1, out,
                                                   raster.height, raster.width, context_ + roles}));
  }

  /// x, mask: [N, 1, H, W], in order; h: [N, …] features or undefined. The distributions of all
  /// components where the earlier ones are x; hidden ones read as nothing.
  Dist given(const Tensor& x, const Tensor& mask, const Tensor& h) {
    auto seen = embed(x);
    if (mask.defined()) seen = seen * mask;
    return (*all_)(network_->forward(seen, context(h, x.size(0))));
  }

  /// Draws [rows, 1, H, W] in order, and the expected values that each was drawn from.
  std::pair<Tensor, Tensor> draw(int64_t rows, const Tensor& h) {
    std::vector<Tensor> values, means;
    network_->walk(rows, context(h, rows), [&](const Tensor& out) {
      const auto p = (*one_)(out.view({rows, -1, 1, 1}));
      values.push_back(p->sample().view({rows, 1, 1, 1}));
      means.push_back(p->mean().view({rows, 1, 1, 1}));
      return embed(values.back()).flatten(1);
    });
    return {torch::cat(values, 3), torch::cat(means, 3)};
  }

  int64_t context_size() const { return context_; }
  const Raster raster;

 private:
  /// [N, 1, H, W] -> [N, in, H, W], centred at 0.
  Tensor embed(const Tensor& x) const {
    if (!embedding_.defined()) return 2 * x - 1;
    const auto rows = embedding_.index_select(0, x.flatten().round().to(torch::kInt64));
    return rows.view({x.size(0), x.size(2), x.size(3), -1}).permute({0, 3, 1, 2});
  }

  Tensor context(const Tensor& h, int64_t rows) const {
    std::vector<Tensor> parts;
    if (h.defined()) parts.push_back(raster.features(h, context_));
    if (raster.channels > 1) {
      const auto like = network_->parameters()[0].options().requires_grad(false);
      const auto roles = raster.roles(like);
      parts.push_back(roles.expand({rows, roles.size(1), roles.size(2), roles.size(3)}));
    }
    return parts.empty() ? Tensor() : torch::cat(parts, 1);
  }

  const int64_t context_;
  std::shared_ptr<Head> all_, one_;  // without parameters: only their maps are used
  std::shared_ptr<CausalNetwork> network_;
  Tensor embedding_;  // [classes, embedding]
};

/// Given features or free. The mean is an estimate by one draw: each component's expected value
/// after the drawn ones before it.
struct Autoregressive : Distribution {
  std::shared_ptr<Chain> chain;
  Tensor h;
  Autoregressive(std::shared_ptr<Chain> chain, Tensor h)
      : chain(std::move(chain)), h(std::move(h)) {}

  Tensor log_prob(const Tensor& x) const override { return masked_log_prob(x, Tensor()); }
  Tensor row_log_prob(const Tensor& x, const Tensor& mask) const override {
    return row_sum(masked_log_prob(x, mask), mask);
  }
  Tensor sample(torch::IntArrayRef prefix) const override { return draw(prefix).first; }
  Tensor mean() const override { return draw({}).second; }
  bool reparameterized() const override { return false; }

 private:
  Tensor masked_log_prob(const Tensor& x, const Tensor& mask) const {
    const auto& raster = chain->raster;
    const auto rows = [&](const Tensor& t) { return raster.in_order(t.reshape(flat(t))); };
    auto value = mask.defined() ? torch::where(mask.to(torch::kBool), x, torch::zeros_like(x)) : x;
    value = rows(value);
    const auto seen = mask.defined() ? rows(mask.expand_as(x)) : mask;
    const auto p = chain->given(value, seen, features_for(value.size(0)));
    return raster.restored(p->log_prob(value)).view_as(x);
  }
  Shape flat(const Tensor& t) const {
    const auto& shape = chain->raster.shape;
    return with_rows(t.numel() / numel(shape), shape);
  }
  Tensor features_for(int64_t rows) const {
    return h.defined() ? tile(h, rows / h.size(0)) : Tensor();
  }
  std::pair<Tensor, Tensor> draw(torch::IntArrayRef prefix) const {
    auto shape = prefix.vec();
    if (h.defined()) shape.push_back(h.size(0));
    const int64_t rows = numel(shape);
    const auto [x, mean] = chain->draw(rows, features_for(rows));
    const auto full = draw_shape(shape, chain->raster.shape);
    return {chain->raster.restored(x).reshape(full), chain->raster.restored(mean).reshape(full)};
  }
};

class AutoregressiveHead : public Head {
 public:
  AutoregressiveHead(const Context& at, const Design& design)
      : name_(design.name),
        chain_(register_module("chain",
                               std::make_shared<Chain>(at, design, at.role == Role::kFree))) {}
  Dist operator()(const Tensor& h) override { return std::make_shared<Autoregressive>(chain_, h); }
  Shape input() const override {
    const auto& raster = chain_->raster;
    const int64_t k = std::max<int64_t>(1, chain_->context_size());
    if (raster.shape.size() == 1) return times(k, raster.shape);
    return {k, raster.height, raster.width / raster.channels};
  }

 private:
  const char* name_;
  std::shared_ptr<Chain> chain_;
};

template <class NetworkOptions>
struct AutoregressiveOptions : NetworkOptions {
  int64_t context = 16, embedding = 32;
  template <class F>
  void fields(F&& f) {
    NetworkOptions::fields(f);
    f("context", context, "decoder features that a pixel reads", between(1, 4096));
    f("embedding", embedding, "classes: embedding size", between(1, 4096));
  }
};

template <class NetworkOptions>
bool add_chain(const char* name, const char* about,
               std::shared_ptr<CausalNetwork> (*make)(const CausalPlan&, const NetworkOptions&)) {
  return heads().add<AutoregressiveOptions<NetworkOptions>>(
      name, about, [=](const Context& at, const AutoregressiveOptions<NetworkOptions>& o) {
        const auto network = [=](const CausalPlan& plan) { return make(plan, o); };
        return std::make_shared<AutoregressiveHead>(at,
                                                    Design{name, o.context, o.embedding, network});
      });
}

const bool added_pixel_cnn =
    add_chain("pixel_cnn", "Bits, bytes or classes one after another, by masked convolutions",
              make_pixel_cnn);
const bool added_transformer =
    add_chain("transformer", "Bits, bytes or classes one after another, by attention to all before",
              make_transformer);

}  // namespace
}  // namespace elbo

#include "elbo/distributions/continuous.h"
#include "elbo/distributions/discrete.h"
#include "elbo/latents/quantizer.h"
#include "elbo/model/spec.h"

namespace elbo {
namespace {

struct QuantizedOptions {
  std::string method = "codebook";
  CodebookOptions book;
  std::vector<int64_t> levels{8, 5, 5, 5}, grid;
  int64_t bits = 9, positions = 0;
  double entropy = 0.1;
  Json encoder, prior;
  template <class F>
  void fields(F&& f) {
    f("method", method, "method: codebook (learned codes), levels (FSQ) or signs (LFQ)",
      one_of({"codebook", "levels", "signs"}));
    f("codes", book.codes, "codebook: number of codes per stage", between(2, 1 << 20));
    f("size", book.size, "codebook: size of a code", between(1, 4096));
    f("stages", book.stages,
      "codebook: number of stages, each quantizing the residual of the one before", between(1, 64));
    f("update", book.update, "codebook: update by the gradient or by moving averages",
      one_of({"gradient", "ema"}));
    f("decay", book.decay, "update ema: decay of the averages", between(0, 1));
    f("window", book.window,
      "codebook: codes unused for this many average uses of a code are re-seeded from the "
      "encoder's outputs (0 = never)",
      at_least(0));
    f("commitment", book.commitment, "weight of |z - code|^2 in the encoder's loss", at_least(0));
    f("levels", levels, "levels: number of levels of each dimension of a code");
    f("bits", bits, "signs: size of a code, in bits", between(1, 20));
    f("entropy", entropy, "signs: weight of the entropy term", at_least(0));
    f("grid", grid, "images: rows and columns of codes (default: a quarter of the image's)");
    f("positions", positions, "number of codes per vector (0 = a grid for images, else 8)",
      between(0, 65536));
    f("encoder", encoder, "network from x to the codes' positions (default: the spec's)");
    f("prior", prior, "prior p(codes) (default: uniform)");
  }
};

std::shared_ptr<Quantizer> make_quantizer(const QuantizedOptions& o) {
  if (o.method == "signs") return make_signs(o.bits, o.book.commitment, o.entropy);
  if (o.method == "codebook") return make_codebooks(o.book);
  const bool good = !o.levels.empty() && *std::min_element(o.levels.begin(), o.levels.end()) >= 2;
  check(good, "[latent quantized] levels: found ", to_string(o.levels),
        ", expected at least one number, each 2 or more");
  check(static_cast<double>(numel(o.levels)) <= 1 << 20,
        "[latent quantized] levels: ", numel(o.levels), " codes, allowed are 2^20");
  return make_scalar_levels(o.levels);
}

/// Discrete codes on a grid or in a row: q is certain, so the KL to the uniform prior is log K a
/// place. Sites hold the numbers of codes.
class Quantization : public Latent {
 public:
  Quantization(const LatentPlan& plan, const QuantizedOptions& o)
      : quantizer_(register_module("quantizer", make_quantizer(o))) {
    const auto& x = plan.data.x.shape;
    spatial_ = x.size() == 3 && o.positions == 0;
    places_ = spatial_ ? o.grid : Shape{o.positions > 0 ? o.positions : 8};
    if (places_.empty()) places_ = {std::max<int64_t>(1, x[1] / 4), std::max<int64_t>(1, x[2] / 4)};
    check(!spatial_ || (places_.size() == 2 && places_[0] > 0 && places_[1] > 0),
          "[latent quantized] grid: found ", to_string(places_), ", expected rows and columns");
    const int64_t size = quantizer_->size();
    encoder_ = register_module(
        "encoder",
        make_encoder(plan.part(o.encoder, "encoder"), plan.data,
                     spatial_ ? Shape{size, places_[0], places_[1]} : Shape{places_[0] * size},
                     condition_size(plan.data)));
    site_shape_ = places_;
    if (quantizer_->stages() > 1) site_shape_.insert(site_shape_.begin(), quantizer_->stages());
    if (o.prior.is_null()) return;
    const Schema codes{site_shape_, Kind::kCategory, {{"classes", quantizer_->codes()}}};
    prior_ = register_module(
        "prior", make_head({codes, plan.data, encoder_, nullptr, Role::kFree}, o.prior));
  }

  Trace infer(const Batch& batch, int64_t samples) override {
    const auto h = encoder_->forward(observed(batch), batch.c);
    const auto q = quantizer_->forward(in_rows(h));
    const int64_t rows = batch.size(), s = std::max<int64_t>(samples, 1);
    Trace trace;
    trace.sites.push_back(site(tile(numbers(q.indices, rows, h), s), tile(batch.c, s)));
    trace.code = tile(in_places(q.values, rows), s);
    trace.log_weight = equal_weights(samples, trace.code);
    if (q.cost.defined()) trace.extra = q.cost.view({rows, -1}).sum(1).expand({s, rows});
    return trace;
  }

  Trace generate(int64_t n, const Tensor& c, const Values& fixed) override {
    check_fixed(fixed, {"z"});
    const auto p = prior(c);
    const bool conditional = prior_ && prior_->reads_condition();
    const auto value = fixed_or_draw("z", p, n, fixed, conditional);
    Trace trace;
    trace.sites.push_back({"z", value, Tensor(), nullptr, p});
    trace.code = in_places(quantizer_->lookup(indices(value)), n);
    trace.log_weight = equal_weights(1, trace.code);
    return trace;
  }

  Shape code() const override {
    const int64_t size = quantizer_->size();
    return spatial_ ? Shape{size, places_[0], places_[1]} : Shape{places_[0] * size};
  }
  std::vector<Tensor> prior_parameters() const override {
    return prior_ ? prior_->parameters() : std::vector<Tensor>();
  }
  std::vector<LayerReport> report() const override {
    auto lines = encoder_->report();
    const int64_t size = quantizer_->size(), k = quantizer_->codes() * quantizer_->stages();
    const bool learned = !quantizer_->parameters().empty();
    lines.push_back({"codes", code(), learned ? k * size : 0, 2 * k * size * numel(places_)});
    return lines;
  }
  Json usage() const override { return {{"z", quantizer_->usage()}}; }
  void reset_usage() override { quantizer_->reset_usage(); }

 private:
  Dist prior(const Tensor& c) {
    if (prior_) return (*prior_)(prior_->reads_condition() ? c : Tensor());
    return std::make_shared<UniformCategorical>(site_shape_, quantizer_->codes(), torch::kFloat32);
  }

  Site site(const Tensor& value, const Tensor& c) {
    return {"z", value, torch::zeros_like(value), std::make_shared<Delta>(value), prior(c)};
  }

  /// [B, d, h, w] or [B, P * d] -> [B * P, d]
  Tensor in_rows(const Tensor& h) const {
    const auto last = spatial_ ? h.permute({0, 2, 3, 1}) : h;
    return last.reshape({-1, quantizer_->size()});
  }
  /// The way back.
  Tensor in_places(const Tensor& values, int64_t rows) const {
    if (!spatial_) return values.reshape({rows, -1});
    return values.view({rows, places_[0], places_[1], -1}).permute({0, 3, 1, 2}).contiguous();
  }
  /// [B * P, stages] -> [B, site_shape_] in the type of `like`.
  Tensor numbers(const Tensor& indices, int64_t rows, const Tensor& like) const {
    return indices.view({rows, -1, quantizer_->stages()})
        .transpose(1, 2)
        .reshape(with_rows(rows, site_shape_))
        .to(like.scalar_type());
  }
  /// The way back, [B * P, stages] int64.
  Tensor indices(const Tensor& numbers) const {
    check(numbers.sizes().slice(1).equals(site_shape_), "[z] fixed value: found shape ",
          to_string(Shape(numbers.sizes().slice(1).vec())), ", expected ", to_string(site_shape_));
    const auto whole = numbers.round().to(torch::kInt64);
    const int64_t low = whole.min().item<int64_t>(), high = whole.max().item<int64_t>();
    check(low >= 0 && high < quantizer_->codes(), "[z] code: found ", low < 0 ? low : high,
          ", allowed 0 to ", quantizer_->codes() - 1);
    return whole.view({whole.size(0), quantizer_->stages(), -1})
        .transpose(1, 2)
        .reshape({-1, quantizer_->stages()});
  }

  bool spatial_ = false;
  Shape places_, site_shape_;
  std::shared_ptr<Quantizer> quantizer_;
  std::shared_ptr<Network> encoder_;
  Prior prior_;
};

const bool quantized_added = latents().add<QuantizedOptions>(
    "quantized", "Discrete codes: VQ, residual VQ, FSQ, LFQ; sites hold the codes' numbers",
    [](const LatentPlan& plan, const QuantizedOptions& options) {
      return std::make_shared<Quantization>(plan, options);
    });

}  // namespace
}  // namespace elbo

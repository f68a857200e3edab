#include <limits>

#include "elbo/kernels/arithmetic.h"
#include "elbo/kernels/light.h"
#include "elbo/model/spec.h"
#include "elbo/model/table_encoder.h"
#include "elbo/model/token_encoder.h"

namespace elbo {
namespace {

/// What a network sees of raw data: real columns standardised, counts on a log scale, missing
/// cells replaced by a learned stand-in and marked.
class Encoder : public Network {
 public:
  Encoder(const Schema& x, std::shared_ptr<Network> body, bool missing)
      : body_(register_module("body", std::move(body))), count_(x.kind == Kind::kCount) {
    if (x.detail.contains("loc")) {
      const auto loc = x.detail["loc"].get<std::vector<float>>();
      const auto scale = x.detail["scale"].get<std::vector<float>>();
      loc_ = torch::tensor(loc).view(with_rows(1, x.shape));
      scale_ = torch::tensor(scale).view(with_rows(1, x.shape));
    }
    if (missing) stand_in_ = register_parameter("stand_in", torch::zeros(with_rows(1, x.shape)));
  }

  Tensor forward(const Tensor& x, const Tensor& c) override {
    auto seen = x;
    if (count_) seen = seen.log1p();
    if (loc_.defined()) {
      seen = kernels::standardise(seen, as_kind_of(seen, loc_), as_kind_of(seen, scale_));
    }
    if (!stand_in_.defined()) return body_->forward(seen, c);
    const auto hidden = seen.isnan();
    const auto filled = torch::where(hidden, stand_in_.to(seen.scalar_type()), seen);
    return body_->forward(torch::cat({filled, hidden.to(seen.scalar_type())}, 1), c);
  }

  std::vector<LayerReport> report() const override { return body_->report(); }

 private:
  std::shared_ptr<Network> body_;
  bool count_;
  Tensor loc_, scale_, stand_in_;
};

/// A network of a table's features. In training some cells are hidden from it, not from the
/// likelihood: any q(z|x) gives a bound, and this one learns to do with less.
class TableEncoder : public Network {
 public:
  TableEncoder(const Schema& x, double hide)
      : features_(register_module(
            "features", std::make_shared<TableFeatures>(
                            columns_of(x.detail), hide > 0 || x.detail.value("missing", false)))),
        hide_(hide) {}
  int64_t size() const { return features_->size(); }
  void set_body(std::shared_ptr<Network> body) { body_ = register_module("body", std::move(body)); }

  Tensor forward(const Tensor& x, const Tensor& c) override {
    auto seen = x;
    if (is_training() && hide_ > 0) {
      // Each row hides its own share, from none to twice the mean.
      const auto share = 2 * hide_ * torch::rand({x.size(0), 1}, x.options());
      seen = x.masked_fill(torch::rand_like(x) < share, std::numeric_limits<float>::quiet_NaN());
    }
    return body_->forward(features_->forward(seen), c);
  }

  std::vector<LayerReport> report() const override { return body_->report(); }

 private:
  std::shared_ptr<TableFeatures> features_;
  std::shared_ptr<Network> body_;
  double hide_;
};

std::shared_ptr<Network> make_table_encoder(Json declaration, const Schemas& data, Shape out,
                                            int64_t condition) {
  double hide = 0;
  if (declaration.is_object() && declaration.contains("hide")) {
    read_field(declaration["hide"], hide, "encoder", "hide");
    check_allowed(declaration["hide"], between(0, 0.5), "encoder", "hide");
    declaration.erase("hide");
  }
  const auto encoder = std::make_shared<TableEncoder>(data.x, hide);
  encoder->set_body(networks().make({{encoder->size()}, std::move(out), condition}, declaration));
  return encoder;
}

}  // namespace

std::shared_ptr<Network> make_encoder(const Json& declaration, const Schemas& data, Shape out,
                                      int64_t condition) {
  if (data.x.kind == Kind::kTable) {
    return make_table_encoder(declaration, data, std::move(out), condition);
  }
  if (data.x.kind == Kind::kToken) {
    return make_token_encoder(declaration, data.x, std::move(out), condition);
  }
  const bool missing = data.x.detail.value("missing", false);
  Shape in = data.x.shape;
  if (missing) in[0] *= 2;
  auto body = networks().make({in, std::move(out), condition}, declaration);
  const bool plain = !missing && !data.x.detail.contains("loc") && data.x.kind != Kind::kCount;
  if (plain) return body;
  return std::make_shared<Encoder>(data.x, std::move(body), missing);
}

}  // namespace elbo

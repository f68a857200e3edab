#include "elbo/model/spec.h"

namespace elbo {
namespace {

/// What a network sees of raw data: real columns standardised, counts on a log scale, missing
/// cells replaced by a learned stand-in and marked.
class Encoder : public Network {
 public:
  Encoder(const Schema& x, std::shared_ptr<Network> body, bool missing)
      : body_(register_module("body", std::move(body))), count_(x.kind == "count") {
    if (x.detail.contains("loc")) {
      const auto loc = x.detail["loc"].get<std::vector<float>>();
      const auto scale = x.detail["scale"].get<std::vector<float>>();
      loc_ = torch::tensor(loc).view(with_rows(1, x.shape));
      inverse_scale_ = torch::tensor(scale).reciprocal().view(with_rows(1, x.shape));
    }
    if (missing) stand_in_ = register_parameter("stand_in", torch::zeros(with_rows(1, x.shape)));
  }

  Tensor forward(const Tensor& x, const Tensor& c) override {
    auto seen = x;
    if (count_) seen = seen.log1p();
    if (loc_.defined()) {
      seen = (seen - loc_.to(seen.options())) * inverse_scale_.to(seen.options());
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
  Tensor loc_, inverse_scale_, stand_in_;
};

}  // namespace

std::shared_ptr<Network> make_encoder(const Json& declaration, const Schemas& data, Shape out,
                                      int64_t condition) {
  const bool missing = data.x.detail.value("missing", false);
  Shape in = data.x.shape;
  if (missing) in[0] *= 2;
  auto body = networks().make({in, std::move(out), condition}, declaration);
  const bool plain = !missing && !data.x.detail.contains("loc") && data.x.kind != "count";
  if (plain) return body;
  return std::make_shared<Encoder>(data.x, std::move(body), missing);
}

}  // namespace elbo

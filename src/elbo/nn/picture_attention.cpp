#include <cmath>

#include "elbo/kernels/choice.h"
#include "elbo/nn/dense.h"
#include "elbo/nn/picture_steps.h"

namespace elbo {
namespace {

constexpr int64_t kTogether = 1024;            // places up to which all rows are one product
constexpr int64_t kScores = int64_t{1} << 24;  // numbers of a block of scores

/// softmax(scale q k') v for rows [B, places, channels] each; with many places a block of them
/// after the other, so that no square of their number is ever held, nor q, k or v twice.
Tensor attend(const Tensor& q, const Tensor& k, Tensor v, double scale) {
  const int64_t places = q.size(1);
  if (places <= kTogether || plain_operations()) {
    return (q * scale).bmm(k.transpose(1, 2)).softmax(-1).bmm(v);
  }
  const int64_t step = std::max<int64_t>(1, kScores / places);
  v = v.transpose(1, 2).contiguous();
  auto h = torch::empty_like(q);
  for (int64_t row = 0; row < q.size(0); ++row) {
    for (int64_t from = 0; from < places; from += step) {
      const int64_t count = std::min(step, places - from);
      const auto scores = dense(q[row].narrow(0, from, count) * scale, k[row], Tensor());
      h[row].narrow(0, from, count).copy_(dense(scores.softmax(-1), v[row], Tensor()));
    }
  }
  return h;
}

class AttentionStep : public PictureStep {
 public:
  AttentionStep(const ModulePath& at, std::string name, int64_t channels, int64_t groups)
      : name_(std::move(name)), scale_(1 / std::sqrt(static_cast<double>(channels))) {
    norm_ =
        at.put("group_norm", std::make_shared<GroupNorm>(channels, groups, kPictureEpsilon, false));
    const auto square = [&](const ModulePath& where, const char* name) {
      return where.put(name, std::make_shared<Dense>(channels, channels));
    };
    q_ = square(at, "to_q");
    k_ = square(at, "to_k");
    v_ = square(at, "to_v");
    out_ = square(at / "to_out", "0");
  }

  Tensor forward(const Tensor& x) const override {
    auto places = norm_->forward(x).permute({0, 2, 3, 1}).flatten(1, 2);
    const auto q = q_->forward(places), k = k_->forward(places);
    auto v = v_->forward(places);
    places = Tensor();
    const auto mixed = out_->forward(attend(q, k, std::move(v), scale_));
    const auto picture = mixed.view({x.size(0), x.size(2), x.size(3), x.size(1)});
    return x + picture.permute({0, 3, 1, 2});
  }

  Rows by_rows(Rows x) const override { return whole_rows(forward(picture_of(x))); }

  void report(Shape& shape, std::vector<LayerReport>& lines) const override {
    lines.push_back(norm_->report(name_ + ".group_norm", shape));
    const int64_t places = shape[1] * shape[2];
    LayerReport sum{name_, shape, 0, 4 * places * places * shape[0]};
    for (const auto& part : {q_, k_, v_, out_}) {
      const auto line = part->report(name_);
      sum.parameters += line.parameters;
      sum.flops += places * line.flops;
    }
    lines.push_back(sum);
  }

 private:
  const std::string name_;
  const double scale_;
  std::shared_ptr<GroupNorm> norm_;
  std::shared_ptr<Dense> q_, k_, v_, out_;
};

}  // namespace

PictureStepPtr attention_step(const ModulePath& at, const std::string& name, int64_t channels,
                              int64_t groups) {
  return std::make_unique<AttentionStep>(at, name, channels, groups);
}

}  // namespace elbo

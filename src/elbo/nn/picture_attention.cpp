#include <cmath>

#include "elbo/kernels/choice.h"
#include "elbo/nn/dense.h"
#include "elbo/nn/picture_rows.h"
#include "elbo/nn/picture_steps.h"

namespace elbo {
namespace {

constexpr int64_t kTogether = 1024;            // places up to which all rows are one product
constexpr int64_t kScores = int64_t{1} << 24;  // numbers of a block of scores

/// softmax(scale q k') v; q: [n, channels], k: [places, channels], v: [channels, places]. A block
/// of rows of q after the other, so that no square of their number is ever held.
Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, double scale) {
  const int64_t step = std::max<int64_t>(1, kScores / k.size(0));
  auto h = torch::empty_like(q);
  for (int64_t from = 0; from < q.size(0); from += step) {
    const int64_t count = std::min(step, q.size(0) - from);
    const auto scores = dense(q.narrow(0, from, count) * scale, k, Tensor());
    h.narrow(0, from, count).copy_(dense(scores.softmax(-1), v, Tensor()));
  }
  return h;
}

/// The layers of one head, over places as rows.
struct Attention {
  std::shared_ptr<GroupNorm> norm;
  std::shared_ptr<Dense> q, k, v, out;
  double scale;
};

/// [1, channels, height, width], channels-last, as [places, channels] and back.
Tensor places_of(const Tensor& x) { return x.permute({0, 2, 3, 1}).flatten(0, 2); }
Tensor picture_like(const Tensor& places, const Tensor& x) {
  return places.view({x.size(0), x.size(2), x.size(3), x.size(1)}).permute({0, 3, 1, 2});
}

/// x + attention: keys and values of all places are held, everything else for a band.
class AttendedRows : public DerivedRows {
 public:
  AttendedRows(const Rows& x, const Attention& layers)
      : DerivedRows(x->shape(), {normalised_rows(x, layers.norm), x}), layers_(layers) {}

  void settle() override {
    if (k_.defined()) return;
    DerivedRows::settle();
    restart();
    const int64_t channels = shape()[0], width = shape()[2], places = shape()[1] * width;
    k_ = torch::empty({places, channels});
    v_ = torch::empty({channels, places});
    for_each_band(source(0), [&](const Tensor& band, int64_t from) {
      const auto rows = places_of(band);
      k_.narrow(0, from * width, rows.size(0)).copy_(layers_.k->forward(rows));
      v_.narrow(1, from * width, rows.size(0)).copy_(layers_.v->forward(rows).t());
    });
    restart();
  }

 private:
  Tensor compute(int64_t from, int64_t to) override {
    const auto q = layers_.q->forward(places_of(source(0).rows(from, to)));
    const auto mixed = layers_.out->forward(attend(q, k_, v_, layers_.scale));
    const auto x = source(1).rows(from, to);
    return x + picture_like(mixed, x);
  }

  const Attention& layers_;
  Tensor k_, v_;
};

class AttentionStep : public PictureStep {
 public:
  AttentionStep(const ModulePath& at, std::string name, int64_t channels, int64_t groups)
      : name_(std::move(name)) {
    layers_.norm =
        at.put("group_norm", std::make_shared<GroupNorm>(channels, groups, kPictureEpsilon, false));
    const auto square = [&](const ModulePath& where, const char* name) {
      return where.put(name, std::make_shared<Dense>(channels, channels));
    };
    layers_.q = square(at, "to_q");
    layers_.k = square(at, "to_k");
    layers_.v = square(at, "to_v");
    layers_.out = square(at / "to_out", "0");
    layers_.scale = 1 / std::sqrt(static_cast<double>(channels));
  }

  Tensor forward(const Tensor& x) const override {
    const bool few = x.size(2) * x.size(3) <= kTogether;
    return few || plain_operations() ? all_at_once(x) : one_by_one(x);
  }

  /// In memory whatever its size: keys and values are twice as large, and take long.
  Rows by_rows(Rows x) const override {
    return stored_rows(std::make_shared<AttendedRows>(x, layers_));
  }

  int64_t pictures_beside() const override { return 6; }

  void report(Shape& shape, std::vector<LayerReport>& lines) const override {
    lines.push_back(layers_.norm->report(name_ + ".group_norm", shape));
    const int64_t places = shape[1] * shape[2];
    LayerReport sum{name_, shape, 0, 4 * places * places * shape[0]};
    for (const auto& part : {layers_.q, layers_.k, layers_.v, layers_.out}) {
      const auto line = part->report(name_);
      sum.parameters += line.parameters;
      sum.flops += places * line.flops;
    }
    lines.push_back(sum);
  }

 private:
  Tensor all_at_once(const Tensor& x) const {
    const auto places = layers_.norm->forward(x).permute({0, 2, 3, 1}).flatten(1, 2);
    const auto q = layers_.q->forward(places), k = layers_.k->forward(places);
    const auto scores = (q * layers_.scale).bmm(k.transpose(1, 2)).softmax(-1);
    return x + picture_like(layers_.out->forward(scores.bmm(layers_.v->forward(places))), x);
  }

  /// Neither q, k nor v twice.
  Tensor one_by_one(const Tensor& x) const {
    std::vector<Tensor> pictures;
    for (int64_t i = 0; i < x.size(0); ++i) {
      const auto picture = x.narrow(0, i, 1);
      auto places = places_of(layers_.norm->forward(picture));
      const auto q = layers_.q->forward(places), k = layers_.k->forward(places);
      const auto v = layers_.v->forward(places).t().contiguous();
      places = Tensor();
      const auto mixed = layers_.out->forward(attend(q, k, v, layers_.scale));
      pictures.push_back(picture + picture_like(mixed, picture));
    }
    return torch::cat(pictures);
  }

  const std::string name_;
  Attention layers_;
};

}  // namespace

PictureStepPtr attention_step(const ModulePath& at, const std::string& name, int64_t channels,
                              int64_t groups) {
  return std::make_unique<AttentionStep>(at, name, channels, groups);
}

}  // namespace elbo

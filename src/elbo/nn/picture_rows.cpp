#include "elbo/nn/picture_rows.h"

#include "elbo/kernels/group_norm.h"

namespace elbo {
namespace {

Shape convolved_shape(const Shape& x, const ConvolutionPlan& plan, bool far) {
  return plan.output({x[0], x[1] + far, x[2] + far});
}

class ConvolvedRows : public DerivedRows {
 public:
  ConvolvedRows(Rows x, std::shared_ptr<Convolution> layer, bool far)
      : DerivedRows(convolved_shape(x->shape(), layer->plan, far), {x}),
        layer_(std::move(layer)),
        plan_(layer_->plan),
        far_(far) {
    plan_.padding[0] = 0;  // rows of zeros are put on where the picture ends
  }

 private:
  Tensor compute(int64_t from, int64_t to) override {
    const int64_t height = source().shape()[1], top = layer_->plan.padding[0];
    const int64_t first = from * plan_.stride[0] - top;
    const int64_t last = (to - 1) * plan_.stride[0] - top + plan_.kernel[0];
    auto x = source().rows(std::max<int64_t>(first, 0), std::min(last, height));
    const int64_t above = std::max<int64_t>(-first, 0), below = std::max<int64_t>(last - height, 0);
    if (above + below > 0 || far_) {
      x = torch::constant_pad_nd(x, {0, far_ ? 1 : 0, above, below});
    }
    return convolve(x, layer_->weight, layer_->bias, plan_);
  }
  // Requests overlap where a larger kernel reads them.
  bool cheap() const override { return plan_.kernel[0] == 1; }

  const std::shared_ptr<Convolution> layer_;
  ConvolutionPlan plan_;
  const bool far_;
};

class NormalisedRows : public DerivedRows {
 public:
  NormalisedRows(const Rows& x, std::shared_ptr<GroupNorm> norm)
      : DerivedRows(x->shape(), {x}), norm_(std::move(norm)) {}

  void settle() override {
    if (affine_.factor.defined()) return;
    DerivedRows::settle();
    restart();
    Tensor sums;
    for_each_band(source(), [&](const Tensor& band, int64_t) {
      const auto more = kernels::group_sums(band, norm_->groups());
      sums = sums.defined() ? sums + more : more;
    });
    affine_ = norm_->affine(sums, numel(shape()) / norm_->groups());
    restart();
  }

 private:
  Tensor compute(int64_t from, int64_t to) override {
    return norm_->apply(source().rows(from, to), affine_);
  }
  bool cheap() const override { return true; }

  const std::shared_ptr<GroupNorm> norm_;
  GroupNorm::Affine affine_;
};

class DoubledRows : public DerivedRows {
 public:
  explicit DoubledRows(const Rows& x)
      : DerivedRows({x->shape()[0], 2 * x->shape()[1], 2 * x->shape()[2]}, {x}) {}

 private:
  Tensor compute(int64_t from, int64_t to) override {
    const int64_t first = from / 2, last = (to + 1) / 2;
    const auto x = source().rows(first, last);
    const std::vector<int64_t> size{2 * x.size(2), 2 * x.size(3)};
    return torch::upsample_nearest2d(x, size).narrow(2, from - 2 * first, to - from);
  }
  bool cheap() const override { return true; }
};

class MappedRows : public DerivedRows {
 public:
  MappedRows(const Rows& x, std::function<Tensor(const Tensor&)> f)
      : DerivedRows(x->shape(), {x}), f_(std::move(f)) {}

 private:
  Tensor compute(int64_t from, int64_t to) override { return f_(source().rows(from, to)); }
  bool cheap() const override { return true; }

  const std::function<Tensor(const Tensor&)> f_;
};

class SummedRows : public DerivedRows {
 public:
  SummedRows(const Rows& late, const Rows& x) : DerivedRows(x->shape(), {late, x}) {}

 private:
  Tensor compute(int64_t from, int64_t to) override {
    const auto late = source(0).rows(from, to);
    return late + source(1).rows(from, to);
  }
};

}  // namespace

Rows convolved_rows(Rows x, std::shared_ptr<Convolution> layer, bool far) {
  return std::make_shared<ConvolvedRows>(std::move(x), std::move(layer), far);
}
Rows normalised_rows(Rows x, std::shared_ptr<GroupNorm> norm) {
  return std::make_shared<NormalisedRows>(x, std::move(norm));
}
Rows doubled_rows(Rows x) { return std::make_shared<DoubledRows>(x); }
Rows mapped_rows(Rows x, std::function<Tensor(const Tensor&)> f) {
  return std::make_shared<MappedRows>(x, std::move(f));
}
Rows summed_rows(Rows late, Rows x) { return std::make_shared<SummedRows>(late, x); }

}  // namespace elbo

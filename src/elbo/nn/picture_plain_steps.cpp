#include "elbo/nn/image_steps.h"
#include "elbo/nn/picture_rows.h"
#include "elbo/nn/picture_steps.h"

// Steps without normalisation.

namespace elbo {
namespace {

class DoublingStep : public PictureStep {
 public:
  Tensor forward(const Tensor& x) const override {
    const std::vector<int64_t> size{2 * x.size(2), 2 * x.size(3)};
    return torch::upsample_nearest2d(x, size);
  }
  Rows by_rows(Rows x) const override { return doubled_rows(std::move(x)); }
  void report(Shape& shape, std::vector<LayerReport>&) const override {
    shape = {shape[0], 2 * shape[1], 2 * shape[2]};
  }
};

class BoundingStep : public PictureStep {
 public:
  explicit BoundingStep(double limit) : limit_(limit) {}
  Tensor forward(const Tensor& x) const override { return limit_ * torch::tanh(x / limit_); }
  Rows by_rows(Rows x) const override {
    return mapped_rows(std::move(x), [this](const Tensor& band) { return forward(band); });
  }
  void report(Shape&, std::vector<LayerReport>&) const override {}

 private:
  const double limit_;
};

class PlainResidualStep : public PictureStep {
 public:
  PlainResidualStep(const ModulePath& at, std::string name, int64_t channels)
      : name_(std::move(name)) {
    for (const char* place : {"0", "2", "4"}) {
      const auto f = *place == '4' ? Activation::kNone : Activation::kRelu;
      const auto plan = keeping(channels, channels, 3, f);
      layers_.push_back(at.put(place, std::make_shared<Convolution>(plan)));
    }
  }
  Tensor forward(const Tensor& x) const override {
    auto h = x;
    for (const auto& layer : layers_) h = layer->forward(h);
    return (h + x).relu();
  }
  Rows by_rows(Rows x) const override {
    auto h = x;
    for (const auto& layer : layers_) h = convolved_rows(std::move(h), layer);
    return mapped_rows(summed_rows(std::move(h), x),
                       [](const Tensor& band) { return band.relu(); });
  }
  void report(Shape& shape, std::vector<LayerReport>& lines) const override {
    for (size_t i = 0; i < layers_.size(); ++i) {
      lines.push_back(layers_[i]->report(name_ + ".conv." + std::to_string(2 * i), shape));
    }
  }

 private:
  const std::string name_;
  std::vector<std::shared_ptr<Convolution>> layers_;
};

}  // namespace

PictureStepPtr doubling_step() { return std::make_unique<DoublingStep>(); }
PictureStepPtr bounding_step(double limit) { return std::make_unique<BoundingStep>(limit); }
PictureStepPtr plain_residual_step(const ModulePath& at, const std::string& name,
                                   int64_t channels) {
  return std::make_unique<PlainResidualStep>(at, name, channels);
}

}  // namespace elbo

#include "elbo/nn/picture_steps.h"

#include "elbo/nn/image_steps.h"
#include "elbo/nn/picture_rows.h"

namespace elbo {
namespace {

std::shared_ptr<Convolution> convolution_at(const ModulePath& at, const std::string& name,
                                            const ConvolutionPlan& plan) {
  return at.put(name, std::make_shared<Convolution>(plan));
}

std::shared_ptr<GroupNorm> norm_at(const ModulePath& at, const std::string& name, int64_t channels,
                                   int64_t groups) {
  return at.put(name, std::make_shared<GroupNorm>(channels, groups, kPictureEpsilon, true));
}

class LayerStep : public PictureStep {
 public:
  LayerStep(std::shared_ptr<Convolution> layer, std::string name)
      : layer_(std::move(layer)), name_(std::move(name)) {}
  Tensor forward(const Tensor& x) const override { return layer_->forward(x); }
  Rows by_rows(Rows x) const override { return convolved_rows(std::move(x), layer_); }
  void report(Shape& shape, std::vector<LayerReport>& lines) const override {
    lines.push_back(layer_->report(name_, shape));
    shape = lines.back().out;
  }

 private:
  const std::shared_ptr<Convolution> layer_;
  const std::string name_;
};

class DownStep : public PictureStep {
 public:
  DownStep(const ModulePath& at, const std::string& name, int64_t channels) : name_(name) {
    const ConvolutionPlan plan{channels, channels, {3, 3}, {2, 2}, {0, 0}};
    layer_ = convolution_at(at / "downsamplers" / 0, "conv", plan);
  }
  Tensor forward(const Tensor& x) const override {
    return layer_->forward(torch::constant_pad_nd(x, {0, 1, 0, 1}));
  }
  Rows by_rows(Rows x) const override { return convolved_rows(std::move(x), layer_, /*far=*/true); }
  void report(Shape& shape, std::vector<LayerReport>& lines) const override {
    lines.push_back(layer_->report(name_, {shape[0], shape[1] + 1, shape[2] + 1}));
    shape = lines.back().out;
  }

 private:
  std::shared_ptr<Convolution> layer_;
  const std::string name_;
};

class UpStep : public PictureStep {
 public:
  UpStep(const ModulePath& at, const std::string& name, int64_t channels) : name_(name) {
    layer_ = convolution_at(at / "upsamplers" / 0, "conv", keeping(channels, channels, 3));
  }
  Tensor forward(const Tensor& x) const override {
    const std::vector<int64_t> size{2 * x.size(2), 2 * x.size(3)};
    return layer_->forward(torch::upsample_nearest2d(x, size));
  }
  Rows by_rows(Rows x) const override { return convolved_rows(doubled_rows(std::move(x)), layer_); }
  void report(Shape& shape, std::vector<LayerReport>& lines) const override {
    lines.push_back(layer_->report(name_, {shape[0], 2 * shape[1], 2 * shape[2]}));
    shape = lines.back().out;
  }

 private:
  std::shared_ptr<Convolution> layer_;
  const std::string name_;
};

class NormStep : public PictureStep {
 public:
  NormStep(std::shared_ptr<GroupNorm> norm, std::string name)
      : norm_(std::move(norm)), name_(std::move(name)) {}
  Tensor forward(const Tensor& x) const override { return norm_->forward(x); }
  Rows by_rows(Rows x) const override { return normalised_rows(std::move(x), norm_); }
  void report(Shape& shape, std::vector<LayerReport>& lines) const override {
    lines.push_back(norm_->report(name_, shape));
  }

 private:
  const std::shared_ptr<GroupNorm> norm_;
  const std::string name_;
};

class ResidualStep : public PictureStep {
 public:
  ResidualStep(const ModulePath& at, std::string name, int64_t in, int64_t out, int64_t groups)
      : name_(std::move(name)) {
    norm1_ = norm_at(at, "norm1", in, groups);
    layer1_ = convolution_at(at, "conv1", keeping(in, out, 3));
    norm2_ = norm_at(at, "norm2", out, groups);
    layer2_ = convolution_at(at, "conv2", keeping(out, out, 3));
    if (in != out) shortcut_ = convolution_at(at, "conv_shortcut", keeping(in, out, 1));
  }

  Tensor forward(const Tensor& x) const override {
    auto h = layer1_->forward(norm1_->forward(x));
    h = norm2_->forward(h);  // one after the other: no more than three pictures at a time
    h = layer2_->forward(h);
    if (torch::GradMode::is_enabled()) return h + (shortcut_ ? shortcut_->forward(x) : x);
    return h.add_(shortcut_ ? shortcut_->forward(x) : x);
  }

  Rows by_rows(Rows x) const override {
    auto h = convolved_rows(normalised_rows(x, norm1_), layer1_);
    h = convolved_rows(normalised_rows(std::move(h), norm2_), layer2_);
    return summed_rows(std::move(h), shortcut_ ? convolved_rows(x, shortcut_) : x);
  }

  void report(Shape& shape, std::vector<LayerReport>& lines) const override {
    const auto in = shape;
    lines.push_back(norm1_->report(name_ + ".norm1", in));
    lines.push_back(layer1_->report(name_ + ".conv1", in));
    shape = lines.back().out;
    lines.push_back(norm2_->report(name_ + ".norm2", shape));
    if (shortcut_) lines.push_back(shortcut_->report(name_ + ".conv_shortcut", in));
    lines.push_back(layer2_->report(name_ + ".conv2", shape));
  }

 private:
  const std::string name_;
  std::shared_ptr<GroupNorm> norm1_, norm2_;
  std::shared_ptr<Convolution> layer1_, layer2_, shortcut_;
};

}  // namespace

ModulePath ModulePath::operator/(const std::string& name) const {
  const auto children = at_->named_children();  // a copy, which what it finds points into
  const auto* known = children.find(name);
  auto child = known ? *known : nullptr;
  if (!child) child = at_->register_module(name, std::make_shared<torch::nn::Module>());
  return ModulePath(*child);
}

PictureStepPtr convolution_step(const ModulePath& at, const std::string& name,
                                const ConvolutionPlan& plan, bool bias) {
  return std::make_unique<LayerStep>(at.put(name, std::make_shared<Convolution>(plan, bias)), name);
}

PictureStepPtr convolution_step(const ModulePath& at, const std::string& name, int64_t in,
                                int64_t out, int64_t kernel) {
  return std::make_unique<LayerStep>(convolution_at(at, name, keeping(in, out, kernel)), name);
}

PictureStepPtr down_step(const ModulePath& at, const std::string& name, int64_t channels) {
  return std::make_unique<DownStep>(at, name, channels);
}

PictureStepPtr up_step(const ModulePath& at, const std::string& name, int64_t channels) {
  return std::make_unique<UpStep>(at, name, channels);
}

PictureStepPtr norm_step(const ModulePath& at, const std::string& name, int64_t channels,
                         int64_t groups) {
  return std::make_unique<NormStep>(norm_at(at, name, channels, groups), name);
}

PictureStepPtr residual_step(const ModulePath& at, const std::string& name, int64_t in, int64_t out,
                             int64_t groups) {
  return std::make_unique<ResidualStep>(at, name, in, out, groups);
}

}  // namespace elbo

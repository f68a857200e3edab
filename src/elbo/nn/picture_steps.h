#pragma once

#include <memory>
#include <string>

#include "elbo/nn/convolution.h"
#include "elbo/nn/group_norm.h"
#include "elbo/nn/row_source.h"

namespace elbo {

/// Where modules of a step lie below a network: a path of names, as those of published weights.
class ModulePath {
 public:
  explicit ModulePath(torch::nn::Module& owner) : at_(&owner) {}
  /// The place of that name below this one, made where it is not there.
  ModulePath operator/(const std::string& name) const;
  ModulePath operator/(int64_t number) const { return *this / std::to_string(number); }
  template <class T>
  std::shared_ptr<T> put(const std::string& name, std::shared_ptr<T> module) const {
    return at_->register_module(name, std::move(module));
  }

 private:
  torch::nn::Module* at_;
};

/// A piece of the way of a picture of any size, whole or by rows.
class PictureStep {
 public:
  virtual ~PictureStep() = default;
  virtual Tensor forward(const Tensor& x) const = 0;
  /// The same rows; the step outlives them.
  virtual Rows by_rows(Rows x) const = 0;
  /// Pictures of the larger of its input's and its output's size that forward() holds at its peak
  /// beside the input.
  virtual int64_t pictures_beside() const { return 2; }
  /// Adds its lines; `shape` is its input's before and its output's after.
  virtual void report(Shape& shape, std::vector<LayerReport>& lines) const = 0;
};
using PictureStepPtr = std::unique_ptr<PictureStep>;

/// Convolution and what follows it, with its name below `at`.
PictureStepPtr convolution_step(const ModulePath& at, const std::string& name,
                                const ConvolutionPlan& plan, bool bias = true);
/// One that keeps the size.
PictureStepPtr convolution_step(const ModulePath& at, const std::string& name, int64_t in,
                                int64_t out, int64_t kernel);
/// To half the size: zeros below and on the right, then a 3x3 convolution of stride 2.
PictureStepPtr down_step(const ModulePath& at, const std::string& name, int64_t channels);
/// To twice the size: every place four times.
PictureStepPtr doubling_step();
/// limit * tanh(x / limit).
PictureStepPtr bounding_step(double limit);
/// Three 3x3 convolutions with rectifiers, "0", "2" and "4" below `at`; rectified once more after x
/// is added.
PictureStepPtr plain_residual_step(const ModulePath& at, const std::string& name, int64_t channels);
/// The same and a 3x3 convolution.
PictureStepPtr up_step(const ModulePath& at, const std::string& name, int64_t channels);
/// Group normalisation and SiLU.
PictureStepPtr norm_step(const ModulePath& at, const std::string& name, int64_t channels,
                         int64_t groups);
/// Normalisation, SiLU and 3x3 convolution, twice; beside it x itself, through a 1x1 convolution
/// where the channels differ.
PictureStepPtr residual_step(const ModulePath& at, const std::string& name, int64_t in, int64_t out,
                             int64_t groups);
/// x + attention of every place to every place, one head.
PictureStepPtr attention_step(const ModulePath& at, const std::string& name, int64_t channels,
                              int64_t groups);

/// The epsilon of published image autoencoders.
constexpr double kPictureEpsilon = 1e-6;

}  // namespace elbo

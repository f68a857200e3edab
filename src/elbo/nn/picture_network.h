#pragma once

#include <vector>

#include "elbo/nn/network.h"
#include "elbo/nn/picture_steps.h"

namespace elbo {

/// Channels at each resolution between these sides: the width, twice it, then four times it.
std::vector<int64_t> usual_picture_channels(int64_t width, int64_t large, int64_t small);

/// A network between pictures whose weights do not depend on their size: steps one after the other.
/// forward() takes any size that the factor divides, whatever it was built for, and keeps to
/// PictureMemory.
class PictureNetwork : public Network {
 public:
  /// By how much the larger side is larger: height and width must be multiples of it.
  virtual int64_t factor() const = 0;
  /// Bytes that forward() takes at its peak for a row of this shape where it may take any.
  int64_t peak_bytes(const Shape& in) const;
  std::vector<LayerReport> report() const override;

 protected:
  /// `in`: the shape of a row for the report.
  explicit PictureNetwork(Shape in) : in_(std::move(in)) {}
  void add(PictureStepPtr step) { steps_.push_back(std::move(step)); }
  /// x through all steps, within the memory that there is.
  Tensor through(const Tensor& x) const;

 private:
  Tensor in_bands(const Tensor& x, int64_t bytes) const;

  const Shape in_;
  std::vector<PictureStepPtr> steps_;
};

}  // namespace elbo

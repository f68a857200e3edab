#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <string>
#include <vector>

#include "elbo/nn/activation.h"
#include "elbo/nn/convolution.h"
#include "elbo/nn/dense.h"
#include "elbo/nn/norm.h"

namespace elbo {

/// What a state of a ladder looks like: `width` numbers, or as many channels on a grid.
struct Place {
  int64_t width = 0, rows = 1, columns = 1;
  int64_t cells() const { return rows * columns; }
  bool flat() const { return cells() == 1; }
  Shape shape() const { return flat() ? Shape{width} : Shape{width, rows, columns}; }
  /// The same grid with other channels.
  Place with(int64_t channels) const { return {channels, rows, columns}; }
  bool operator==(const Place& other) const = default;
};

/// An affine map of the channels of a place, over a neighbourhood of kernel x kernel cells.
class ChannelMap : public torch::nn::Module {
 public:
  ChannelMap(int64_t in, Place out, int64_t kernel = 1, Activation activation = Activation::kNone);
  Tensor forward(const Tensor& x);
  /// Multiplies what the map gives at initialisation.
  void scale(double factor);
  void report(const std::string& name, std::vector<LayerReport>& lines) const;

 private:
  const Place out_;
  std::shared_ptr<Dense> dense_;
  std::shared_ptr<Convolution> convolution_;  // on grids
};

/// How the cells of one ladder are made.
struct CellPlan {
  int64_t kernel = 3;
  double bottleneck = 0.5;  // inner width of a grid's cell, relative to its place's
  Activation activation = Activation::kSilu;
  std::string norm = "none";
};

/// A small network at one place: affine, activation, affine; on grids a neighbourhood in between.
class Cell : public torch::nn::Module {
 public:
  /// in: channels of x; `inner`: hidden numbers where the place is flat.
  Cell(const CellPlan& plan, int64_t in, int64_t inner, Place out);
  Tensor forward(const Tensor& x);
  void scale(double factor) { layers_.back()->scale(factor); }
  void report(const std::string& name, std::vector<LayerReport>& lines) const;

 private:
  Activation after_norm_ = Activation::kNone;
  std::vector<std::shared_ptr<ChannelMap>> layers_;
  std::vector<std::shared_ptr<Norm>> norms_;
};

/// From one place to another: grids must be multiples of each other.
class Move : public torch::nn::Module {
 public:
  Move(Place from, Place to, Activation activation = Activation::kNone);
  Tensor forward(const Tensor& x);
  void report(const std::string& name, std::vector<LayerReport>& lines) const;

 private:
  const Place from_, to_;
  std::shared_ptr<ChannelMap> affine_;
};

}  // namespace elbo

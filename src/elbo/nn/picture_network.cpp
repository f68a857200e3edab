#include "elbo/nn/picture_network.h"

#include "elbo/nn/picture_memory.h"

namespace elbo {

std::vector<int64_t> usual_picture_channels(int64_t width, int64_t large, int64_t small) {
  constexpr int64_t kMostWider = 4;
  std::vector<int64_t> channels{width};
  for (int64_t side = large; side / 2 >= small && side > 1; side /= 2) {
    channels.push_back(std::min(2 * channels.back(), kMostWider * width));
  }
  return channels;
}

int64_t PictureNetwork::peak_bytes(const Shape& in) const {
  std::vector<LayerReport> lines;
  auto shape = in;
  int64_t most = 0;
  for (const auto& step : steps_) {
    const int64_t before = bytes_of(shape);
    step->report(shape, lines);
    most = std::max(most, before + step->pictures_beside() * std::max(before, bytes_of(shape)));
  }
  return most;
}

std::vector<LayerReport> PictureNetwork::report() const {
  std::vector<LayerReport> lines;
  auto shape = in_;
  for (const auto& step : steps_) step->report(shape, lines);
  return lines;
}

Tensor PictureNetwork::through(const Tensor& x) const {
  const int64_t bytes = PictureMemory::bytes();
  const Shape row(x.sizes().begin() + 1, x.sizes().end());
  const bool free = bytes == 0 || torch::GradMode::is_enabled();
  if (free || peak_bytes(row) * x.size(0) <= bytes) {
    auto h = x;
    for (const auto& step : steps_) h = step->forward(h);
    return h;
  }
  std::vector<Tensor> rows;
  for (int64_t i = 0; i < x.size(0); ++i) rows.push_back(in_bands(x.narrow(0, i, 1), bytes));
  return torch::cat(rows);
}

/// What a step makes is kept where it fits; else the next steps compute it as often as they need
/// it: once for each of their norms.
Tensor PictureNetwork::in_bands(const Tensor& x, int64_t bytes) const {
  constexpr double kForBands = 0.2;
  const auto room = static_cast<int64_t>((1 - kForBands) * static_cast<double>(bytes));
  auto rows = whole_rows(x);
  for (const auto& step : steps_) {
    rows = step->by_rows(std::move(rows));
    if (bytes_of(rows->shape()) <= room) rows = stored_rows(rows);
  }
  return picture_of(rows);
}

}  // namespace elbo

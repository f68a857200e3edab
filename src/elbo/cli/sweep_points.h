#pragma once

#include <string>
#include <utility>
#include <vector>

namespace elbo {

/// What a sweep varies: a name and the values that it takes, as texts.
struct Axis {
  std::string name;
  std::vector<std::string> values;  // of a range FROM..TO: the two ends
  bool range = false;
};
/// "latent.size=8,16,32", "encoder.hidden=[64],[64,64]" or, for random sweeps, "lr=1e-4..1e-2".
Axis parse_axis(const std::string& text);

/// One value of each axis.
using SweepPoint = std::vector<std::pair<std::string, std::string>>;
/// All combinations; the last axis changes fastest. Raises an Error for a range.
std::vector<SweepPoint> grid_points(const std::vector<Axis>& axes);
/// `count` different combinations at most, drawn with the seed; ranges are drawn evenly, or evenly
/// in the logarithm where they span a factor of ten; ends without a point give whole numbers.
std::vector<SweepPoint> random_points(const std::vector<Axis>& axes, int64_t count, int64_t seed);

/// "latent.size=8,objective.beta=4" as the name of a folder.
std::string folder_name(const SweepPoint& point);
/// The words of `elbo train` that set a point: flags of training by their name, else --set.
std::vector<std::string> train_words(const SweepPoint& point);

}  // namespace elbo

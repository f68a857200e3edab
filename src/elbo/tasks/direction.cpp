#include "elbo/tasks/direction.h"

#include <filesystem>

#include "elbo/data/label_rows.h"
#include "elbo/data/open.h"
#include "elbo/eval/linear.h"
#include "elbo/train/kept.h"

namespace elbo {
namespace {

constexpr int64_t kMostRows = 5000;  // of each side

/// The number of a class of the run's data, or -1.
int64_t class_named(const Run& run, const std::string& name) {
  const auto names = class_names(run.schemas().y);
  const auto at = std::find(names.begin(), names.end(), name);
  return at == names.end() ? -1 : at - names.begin();
}

bool is_side(const Run& run, const std::string& name) {
  return !name.empty() && (class_named(run, name) >= 0 || std::filesystem::exists(name) ||
                           name.find(':') != std::string::npos);
}

Data side(const Run& run, const std::string& name) {
  const int64_t k = class_named(run, name);
  if (k < 0) return run.open_other(name, has_test_split(name) ? "train" : "all");
  const auto data = run.training_data();
  const auto rows = (labels_of(*data) == k).nonzero().flatten();
  check(rows.size(0) > 0, "[edit] along: no training row has the class ", name);
  const auto* row = rows.data_ptr<int64_t>();
  return subset(data, {row, row + rows.size(0)});
}

/// Of the rows of a class that the run keeps.
Tensor kept_codes_of(const Run& run, int64_t k, const std::string& name) {
  const auto kept = run.kept();
  if (!kept || !kept->seen.defined()) run.lack_data();
  const auto rows = (kept->seen_y == k).nonzero().flatten();
  check(rows.size(0) > 0, "[edit] along: no kept row has the class ", name);
  return kept->seen.index_select(0, rows);
}

Tensor codes_of(const TaskInput& input, const CodeLayout& layout, const std::string& name,
                const Draw& draw) {
  const int64_t k = class_named(*input.run, name);
  if (k >= 0 && !input.run->data_here()) return kept_codes_of(*input.run, k, name);
  const auto some = some_rows(side(*input.run, name), kMostRows, draw.key("direction"));
  return encode_all(*input.model, layout, *some, draw).mean;
}

/// The normal of the plane between two sets of codes, of length 1.
Tensor plane_normal(const Tensor& with, const Tensor& without) {
  const auto all = torch::cat({with, without});
  const Scaling scaled(all);
  const auto y = torch::cat(
      {torch::ones({with.size(0)}, torch::kInt64), torch::zeros({without.size(0)}, torch::kInt64)});
  const auto fit = fit_logistic(scaled(all), y, 2);
  const auto normal =
      (fit.weight.select(1, 1) - fit.weight.select(1, 0)).to(torch::kFloat32) / scaled.deviation;
  return normal / normal.norm();
}

}  // namespace

Direction find_direction(const TaskInput& input, const CodeLayout& layout, const std::string& text,
                         const std::string& method, const Draw& draw) {
  const auto& run = *input.run;
  // Sources may hold colons themselves: the one that leaves two known sides is meant.
  size_t colon = text.find(':');
  while (colon != std::string::npos &&
         !(is_side(run, text.substr(0, colon)) && is_side(run, text.substr(colon + 1)))) {
    colon = text.find(':', colon + 1);
  }
  check(colon != std::string::npos, "[edit] along: \"", text,
        "\": expected POSITIVES:NEGATIVES, each a class of the run's data",
        class_names(run.schemas().y).empty() ? "" : " (" + join(class_names(run.schemas().y)) + ")",
        " or DATA");
  const auto whole = layout.whole();
  check(!whole.all().item<bool>(),
        "[edit] along: the codes are numbers of a codebook, which lie in no direction from each "
        "other; elbo interpolate walks from row to row");
  const auto with = codes_of(input, layout, text.substr(0, colon), draw).masked_fill(whole, 0);
  const auto without = codes_of(input, layout, text.substr(colon + 1), draw).masked_fill(whole, 0);
  const auto difference = with.mean(0) - without.mean(0);
  const auto unit = method == "mean" ? difference / difference.norm().clamp_min(1e-12)
                                     : plane_normal(with, without);
  Direction direction{unit * (unit * difference).sum(), 0, with.size(0), without.size(0)};
  const auto variance = (with.matmul(unit).var(0, false) + without.matmul(unit).var(0, false)) / 2;
  direction.separation =
      ((unit * difference).sum() / variance.sqrt().clamp_min(1e-12)).item<double>();
  return direction;
}

}  // namespace elbo

#include "elbo/serve/explorer_map.h"

#include <ATen/ops/_unique.h>

#include <algorithm>

#include "elbo/eval/embedding.h"
#include "elbo/serve/row_json.h"
#include "elbo/tasks/walks.h"

namespace elbo {
namespace {

constexpr int64_t kSliders = 12;

/// What a slider offers of a whole number: the values that occur, most of them where they are many.
Json offered(const Tensor& values) {
  constexpr int64_t kMost = 64;
  const auto different = std::get<0>(at::_unique(values.contiguous(), /*sorted=*/true));
  const int64_t count = std::min(kMost, different.size(0));
  const auto last = static_cast<double>(different.size(0) - 1);
  return number_list(
      different.index_select(0, torch::linspace(0, last, count).round().to(torch::kInt64)));
}

/// How much rows use each dimension: deviations; of whole numbers, which come first, the share of
/// rows that have another than the most frequent one.
Tensor use_of(const Tensor& whole, const Tensor& codes, const Tensor& usual) {
  constexpr double kBeforeOthers = 1e6;
  const auto share = (codes != usual).to(torch::kFloat32).mean(0);
  return torch::where(whole, share + kBeforeOthers, codes.std(0, false));
}

Json sliders_of(const CodeLayout& layout, const Tensor& whole, const Tensor& codes,
                const Tensor& centre) {
  const auto spread = codes.std(0, false);
  const auto names = layout.mean_names();
  Json sliders = Json::array();
  for (const auto d : most_used(layout, use_of(whole, codes, centre), kSliders)) {
    Json slider{{"dimension", d},
                {"name", names[static_cast<size_t>(d)]},
                {"mean", centre[d].item<double>()},
                {"deviation", std::max(1e-3, spread[d].item<double>())}};
    if (whole[d].item<bool>()) slider["values"] = offered(codes.select(1, d));
    sliders.push_back(slider);
  }
  return sliders;
}

Json lists_of(const Tensor& rows) {
  Json list = Json::array();
  for (int64_t i = 0; i < rows.size(0); ++i) list.push_back(number_list(rows[i]));
  return list;
}

/// [n, F] with at most a few hundred columns, evenly chosen: axes of more cost too much.
Tensor few_columns(const Tensor& x) {
  constexpr int64_t kMost = 256;
  if (x.size(1) <= kMost) return x;
  return x.index_select(
      1, torch::linspace(0, static_cast<double>(x.size(1) - 1), kMost).round().to(torch::kInt64));
}

}  // namespace

Json map_of_codes(const CodeLayout& layout, const Tensor& codes, const Tensor& labels,
                  const std::function<Tensor()>& looks) {
  const auto whole = layout.whole();
  const bool all_whole = layout.size > 0 && whole.all().item<bool>();
  auto centre = torch::where(whole, std::get<0>(codes.mode(0)), codes.mean(0));
  const auto shown = all_whole ? few_columns(looks()) : codes.masked_fill(whole, 0);
  const auto centred = shown - shown.mean(0);
  const auto axes = principal_axes(centred);
  const auto places = centred.matmul(axes);
  // The middle of codes that cannot be averaged is the row that lies nearest to it.
  if (all_whole) centre = codes[places.square().sum(1).argmin().item<int64_t>()];
  Json label_list = Json::array();
  for (int64_t i = 0; labels.defined() && i < labels.size(0); ++i) {
    label_list.push_back(labels[i].item<int64_t>());
  }
  const auto share = places.square().sum() / centred.square().sum().clamp_min(1e-12);
  Json map{{"points", lists_of(places)},
           {"labels", label_list},
           {"axes", all_whole ? Json::array() : lists_of(axes.t())},
           {"mean", number_list(centre)},
           {"variance_shown", share.item<double>()}};
  map["whole"] = Json::array();
  for (int64_t d = 0; d < layout.size; ++d) {
    if (whole[d].item<bool>()) map["whole"].push_back(d);
  }
  return {{"sliders", sliders_of(layout, whole, codes, centre)}, {"map", map}};
}

Json class_steps(const std::vector<std::string>& classes, const Tensor& whole, const Tensor& codes,
                 const Tensor& labels) {
  Json list = Json::array();
  constexpr size_t kMostAttributes = 12;
  constexpr int64_t kFewest = 3;
  if (!labels.defined() || whole.all().item<bool>()) return list;
  for (size_t k = 0; k < classes.size() && list.size() < kMostAttributes; ++k) {
    const auto here = labels == static_cast<int64_t>(k);
    const auto others = (labels >= 0).logical_and(here.logical_not());
    if (here.sum().item<int64_t>() < kFewest || others.sum().item<int64_t>() < kFewest) continue;
    const auto mean = [&](const Tensor& rows) {
      return codes.index_select(0, rows.nonzero().flatten()).mean(0);
    };
    const auto step = (mean(here) - mean(others)).masked_fill(whole, 0);
    list.push_back({{"name", classes[k]}, {"step", number_list(step)}});
  }
  return list;
}

Tensor code_distances(const Tensor& whole, const Tensor& codes, const Tensor& code) {
  const auto spread = codes.std(0, false).clamp_min(1e-3);
  const auto apart =
      torch::where(whole, (codes != code).to(torch::kFloat32), ((codes - code) / spread).square());
  return apart.sum(1).sqrt();
}

}  // namespace elbo

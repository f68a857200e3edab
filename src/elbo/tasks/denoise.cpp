#include <cmath>

#include "elbo/data/row_view.h"
#include "elbo/objectives/similarity.h"
#include "elbo/tasks/output.h"
#include "elbo/tasks/rows.h"

namespace elbo {
namespace {

struct DenoiseOptions {
  RowChoice choice;
  std::string noise = "none";
  double amount = 0.3;
  int64_t show = 16;
  int64_t seed = 0;
  template <class F>
  void fields(F&& f) {
    choice.fields(f);
    f("noise", noise,
      "noise to add first, to measure how much is removed (none = the data as they are)",
      one_of({"none", "gaussian", "dropout"}));
    f("amount", amount, "standard deviation of the added noise, or share of cells set to 0",
      between(0, 10));
    f("show", show, "number of rows shown in a picture", between(1, 1000));
    f("seed", seed, "seed of the noise", at_least(0));
  }
};

/// Pictures smoothed by a normal of this width; edges are mirrored.
Tensor smoothed(const Tensor& x, double width) {
  const int64_t most = std::min(x.size(2), x.size(3)) - 1;
  const auto reach = std::min<int64_t>(most, std::lround(std::ceil(3 * width)));
  const auto t = torch::arange(-reach, reach + 1).to(torch::kFloat32) / width;
  auto kernel = (-0.5 * t.square()).exp();
  kernel = kernel / kernel.sum();
  const auto wide = at::reflection_pad2d(x, {reach, reach, reach, reach});
  return blur(wide, kernel);
}

/// Squared errors of the noisy, the denoised and the filtered rows, summed.
class Errors {
 public:
  explicit Errors(bool filter) : filtered_(filter ? kWidths.size() : 0, 0) {}

  void add(const Tensor& clean, const Tensor& noisy, const Tensor& restored) {
    cells_ += static_cast<double>(clean.numel());
    before_ += (noisy - clean).square().sum().item<double>();
    after_ += (restored - clean).square().sum().item<double>();
    for (size_t i = 0; i < filtered_.size(); ++i) {
      filtered_[i] += (smoothed(noisy, kWidths[i]) - clean).square().sum().item<double>();
    }
  }

  void tell(Json& result) const {
    result["root_mean_squared_error"] = {{"noisy", std::sqrt(before_ / cells_)},
                                         {"denoised", std::sqrt(after_ / cells_)}};
    if (filtered_.empty()) return;
    const auto best = std::min_element(filtered_.begin(), filtered_.end());
    result["psnr"] = {{"noisy", peak_ratio(before_)},
                      {"denoised", peak_ratio(after_)},
                      {"gaussian_filter", peak_ratio(*best)}};
    result["filter_width"] = kWidths[static_cast<size_t>(best - filtered_.begin())];
  }

 private:
  /// Widths in pixels of the filter that the model is held against: its best is told.
  static inline const std::vector<double> kWidths{0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0};

  /// Decibels, for values from 0 to 1.
  double peak_ratio(double squared) const {
    return 10 * std::log10(cells_ / std::max(squared, 1e-12));
  }

  double cells_ = 0, before_ = 0, after_ = 0;
  std::vector<double> filtered_;
};

class Denoise : public Task {
 public:
  explicit Denoise(DenoiseOptions options) : o_(std::move(options)) {}

  Json run(const TaskInput& input) override {
    torch::NoGradGuard no_gradient;
    RandomScope scope(static_cast<uint64_t>(o_.seed));
    const auto& schema = input.run->schemas().x;
    const bool noise = o_.noise != "none";
    check(!noise || (!TableView::shows(schema) && schema.kind != Kind::kToken),
          "[denoise] noise: ", o_.noise, " does not apply to a table or a text");
    const auto rows = open_task_rows(input, o_.choice);
    const auto layout = code_layout(*input.model, input.run->schemas());
    const auto path = output_path(input, "denoised", schema);
    const int64_t n = rows.data->size(), shown = std::min(n, o_.show);
    const bool picture = path.ends_with(".png");
    RowLabels labels{"row", [&](int64_t row) { return rows.data->row_name(row); }};
    labels.left = noise ? std::vector<std::string>{"data", "noisy", "clean"}
                        : std::vector<std::string>{"data", "clean"};
    const auto file =
        create_output(path, schema, picture ? (noise ? 3 : 2) * shown : n, shown, labels);

    Errors errors(noise && PictureView::shows(schema));
    std::vector<Tensor> bands[3];  // what a picture shows: clean, noisy, restored
    const Draw draw{static_cast<uint64_t>(o_.seed), 0};
    const int64_t block = block_rows(input.run->schemas());
    for_each_placed_batch(rows, block, draw, [&](const Batch& batch, int64_t first) {
      auto seen = batch;
      seen.x = with_noise(batch.x);
      const auto codes = encode_batch(*input.model, layout, seen).mean;
      const auto mean = one_value(*decode_codes(*input.model, layout, codes, batch.c), schema);
      if (noise) errors.add(batch.x, seen.x, mean);
      if (!picture) {
        file->append(mean);
      } else if (const int64_t count = std::min(shown - first, batch.size()); count > 0) {
        bands[0].push_back(batch.x.narrow(0, 0, count));
        bands[1].push_back(seen.x.narrow(0, 0, count).clamp(0, 1));
        bands[2].push_back(mean.narrow(0, 0, count));
      }
      input.progress(static_cast<double>(first + batch.size()) / static_cast<double>(n));
    });
    for (int i = noise ? 0 : 1; picture && i < 3; ++i) file->append(torch::cat(bands[i]));
    file->commit();
    auto result = written(*file, path);
    result.update({{"data", rows.name}, {"rows", n}});
    tell_unseen(*rows.data, result);
    if (noise) {
      result["noise"] = {{"kind", o_.noise}, {"amount", o_.amount}};
      errors.tell(result);
    }
    return result;
  }

  std::string data() const override { return "may"; }
  std::string example() const override {
    return "elbo denoise RUN DATA --noise gaussian --amount 0.3 -o denoised.png";
  }

 private:
  Tensor with_noise(const Tensor& x) const {
    if (o_.noise == "gaussian") return x + o_.amount * torch::randn_like(x);
    if (o_.noise == "dropout") return x.masked_fill(torch::rand_like(x) < o_.amount, 0);
    return x;
  }

  DenoiseOptions o_;
};

const bool denoise_added = tasks().add<DenoiseOptions>(
    "denoise", "Data without their noise, and how much of it was removed",
    [](DenoiseOptions options) { return std::make_shared<Denoise>(std::move(options)); });

}  // namespace
}  // namespace elbo

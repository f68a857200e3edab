#include "elbo/core/text.h"
#include "elbo/io/base64.h"
#include "elbo/io/image.h"
#include "elbo/model/levels.h"
#include "elbo/tasks/report_rows.h"
#include "elbo/tasks/walks.h"

namespace elbo {
namespace {

constexpr int64_t kSampleTiles = 64, kPairs = 16, kLines = 8, kSteps = 11, kWalks = 4;

class PictureSections : public RowSections {
 public:
  PictureSections(Reported& r, PictureView view, int64_t side)
      : RowSections(r), view_(std::move(view)), side_(side) {}

  std::string samples() override {
    torch::NoGradGuard no_gradient;
    RandomScope scope(static_cast<uint64_t>(s_.options().seed) + 2);
    const int64_t n = std::min(kSampleTiles, s_.size());
    const auto c = s_.batch().c.defined() ? s_.batch().c.narrow(0, 0, n) : Tensor();
    const auto x = s_.model().generate(n, c).x->mean();
    return grid(x, 16, std::to_string(n) + " pictures that the model drew from its prior",
                "Means of p(x|z) for " + std::to_string(n) + " draws of z.");
  }

  std::string reconstructions() override {
    const int64_t n = std::min(kPairs, s_.size());
    const auto both =
        torch::cat({s_.batch().x.narrow(0, 0, n), s_.reconstructions().narrow(0, 0, n)});
    return grid(both, n,
                "Upper row: " + std::to_string(n) + " pictures of the " + r_.rows_name +
                    " data; lower row: their reconstructions",
                "Above: data. Below: their reconstructions.");
  }

  std::string traversals() override {
    torch::NoGradGuard no_gradient;
    RandomScope scope(static_cast<uint64_t>(s_.options().seed));
    const auto t = traversal(s_.layout(), s_.codes().mean, 0, kLines, kSteps, 2.5);
    const Levels levels(s_.model(), s_.layout(), s_.schemas());
    std::vector<Tensor> lines;
    std::vector<std::string> names;
    const auto all = s_.layout().mean_names();
    for (size_t i = 0; i < t.dimensions.size(); ++i) {
      const auto from = static_cast<int64_t>(i) * kSteps;
      const auto way =
          levels.settled(t.codes.narrow(0, from, kSteps), t.dimensions[i], condition(0, kSteps));
      lines.push_back(decoded(way, 0));
      names.push_back(all[static_cast<size_t>(t.dimensions[i])]);
    }
    return grid(torch::cat(lines), kSteps,
                "Rows of pictures in which one latent dimension changes: " + join(names),
                "From top: " + join(names) +
                    (whole() ? "; from left to right the codes that occur there, in one row's code."
                             : "; from left to right −2.5 to 2.5 deviations around the data's mean "
                               "code.") +
                    (levels.any() ? " Levels below the moved one follow it." : ""));
  }

  std::string interpolations() override {
    torch::NoGradGuard no_gradient;
    RandomScope scope(static_cast<uint64_t>(s_.options().seed));
    std::vector<Tensor> lines;
    for (int64_t k = 0; k < std::min(kWalks, s_.size() / 2); ++k) {
      lines.push_back(way(2 * k, kSteps));
    }
    return grid(torch::cat(lines), kSteps,
                std::to_string(lines.size()) + " rows of pictures, each a walk between two codes",
                whole()
                    ? "Along each line the codes of one row become those of the next, position by "
                      "position."
                    : "Each line goes straight from the code of one row to that of the next.");
  }

 private:
  /// Whether codes are places in a codebook.
  bool whole() const { return s_.layout().whole().all().item<bool>(); }

  /// Pictures [n, C, H, W] as a figure; larger ones are averaged down.
  std::string grid(const Tensor& x, int64_t columns, const std::string& alt,
                   const std::string& caption) const {
    auto tiles = x;
    const int64_t longest = std::max(x.size(2), x.size(3));
    if (longest > side_) {
      const auto scaled = [&](int64_t v) { return std::max<int64_t>(1, v * side_ / longest); };
      tiles = torch::adaptive_avg_pool2d(x, {scaled(x.size(2)), scaled(x.size(3))});
    }
    const auto png = encode_png(view_.grid(tiles, columns));
    return "<figure><img alt=\"" + html_escape(alt) + "\" src=\"data:image/png;base64," +
           base64(png) + "\"><figcaption>" + html_escape(caption) + "</figcaption></figure>";
  }

  PictureView view_;
  int64_t side_;
};

}  // namespace

std::unique_ptr<RowSections> sections_of(Reported& r, const PictureView& view, int64_t side) {
  return std::make_unique<PictureSections>(r, view, side);
}

}  // namespace elbo

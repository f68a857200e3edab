#include "elbo/eval/metric.h"
#include "elbo/eval/picture_error.h"
#include "elbo/eval/sample_distance.h"

namespace elbo {
namespace {

double average(const Tensor& x) { return x.to(torch::kFloat64).mean().item<double>(); }

/// What a figure of pictures depends on beside the pictures themselves.
Json picture_protocol(const Subject& s) {
  const auto& how = s.run().facts().value("data", Json::object());
  const auto resize = how.value("options", Json::object()).value("resize", std::string());
  return {{"rows", s.size()},
          {"code", "posterior mean"},
          {"range", kClamped},
          {"clamp", kClamped},
          {"crop", "none"},
          {"resize",
           resize.empty() ? "none" : resize + ", bilinear, mean over the area where it shrinks"},
          {"type", "float32"}};
}

const bool metric_pictures_added = metrics().add<NoOptions>(
    "pictures", "Reconstruction quality: squared error, PSNR, SSIM, MS-SSIM, sharpness",
    [](const NoOptions&) {
      return make_metric({"pictures"}, [](Subject& s) -> Json {
        const auto& x = s.batch().x;
        const auto& made = s.reconstructions();
        const auto error = picture_error(x, made);
        const double sharp = average(gradient_energy(x));
        auto how = picture_protocol(s);
        how.update({{"mean", "of each picture's figure"}, {"window", "11, deviation 1.5"}});
        return {{"squared_error", average(error.squared)},
                {"psnr", average(error.peak_ratio)},
                {"ssim", average(error.similarity)},
                {"ms_ssim", average(error.multi_scale_similarity)},
                {"sharpness", sharp > 0 ? average(gradient_energy(made)) / sharp : 1.0},
                {"protocol", how}};
      });
    });

const bool perceptual_added = metrics().add<NoOptions>(
    "perceptual",
    "Distance of reconstructions in features of unit length (LPIPS' formula, the run's own "
    "features)",
    [](const NoOptions&) {
      return make_metric({"pictures"}, [](Subject& s) -> Json {
        const auto& own = s.own_features();
        const auto& made = s.reconstructions();
        double sum = 0;
        constexpr int64_t kBlock = 100;
        for (int64_t from = 0; from < s.size(); from += kBlock) {
          const int64_t count = std::min(kBlock, s.size() - from);
          const auto part = [&](const Tensor& t) {
            return t.narrow(0, from, count).to(torch::kFloat32);
          };
          sum += own.network->distance(part(s.batch().x), part(made)).sum().item<double>();
        }
        auto how = picture_protocol(s);
        how["features"] = own.name;
        return {{"distance", sum / static_cast<double>(s.size())}, {"protocol", how}};
      });
    });

Json distance_to(Subject& s, const Tensor& made, const char* code) {
  const auto f = s.features_of(made);
  auto how = picture_protocol(s);
  how.update({{"code", code},
              {"features", f.space},
              {"dimensions", f.data.size(1)},
              {"reference", "the judged rows"}});
  return {{"distance", frechet_distance(f.data, f.samples)}, {"protocol", how}};
}

const bool reconstruction_frechet_added = metrics().add<NoOptions>(
    "reconstruction_frechet",
    "Distance between normals fitted to features of pictures and of their reconstructions (rFID's "
    "formula)",
    [](const NoOptions&) {
      return make_metric({"pictures"}, [](Subject& s) {
        return distance_to(s, s.reconstructions(), "posterior mean");
      });
    });

const bool interpolation_frechet_added = metrics().add<NoOptions>(
    "interpolation_frechet",
    "The same for pictures halfway between the codes of two: whether codes in between are pictures",
    [](const NoOptions&) {
      return make_metric({"pictures", "real code"}, [](Subject& s) {
        return distance_to(s, s.halfway(), "mean of two rows' posterior means");
      });
    });

}  // namespace
}  // namespace elbo

#include "elbo/eval/metric.h"
#include "elbo/eval/picture_error.h"

namespace elbo {
namespace {

double average(const Tensor& x) { return x.to(torch::kFloat64).mean().item<double>(); }

const bool metric_pictures_added = metrics().add<NoOptions>(
    "pictures", "Reconstruction quality: squared error, PSNR, SSIM, MS-SSIM, sharpness",
    [](const NoOptions&) {
      return make_metric({"pictures"}, [](Subject& s) -> Json {
        const auto& x = s.batch().x;
        const auto& made = s.reconstructions();
        const auto error = picture_error(x, made);
        const double sharp = average(gradient_energy(x));
        return {
            {"squared_error", average(error.squared)},
            {"psnr", average(error.peak_ratio)},
            {"ssim", average(error.similarity)},
            {"ms_ssim", average(error.multi_scale_similarity)},
            {"sharpness", sharp > 0 ? average(gradient_energy(made)) / sharp : 1.0},
            {"protocol", {{"rows", s.size()}, {"code", "posterior mean"}, {"range", "0 to 1"}}}};
      });
    });

}  // namespace
}  // namespace elbo

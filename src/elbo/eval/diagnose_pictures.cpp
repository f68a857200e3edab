#include <sstream>

#include "elbo/eval/diagnose.h"
#include "elbo/eval/picture_error.h"

namespace elbo {
namespace {

constexpr double kLeastSharpness = 0.5;  // share of the data's gradient energy

}  // namespace

std::vector<Finding> diagnose_pictures(Subject& s) {
  const auto& x = s.schemas().x;
  // Pixels that are drawn afresh have edges of their own, which no mean shows.
  const bool shades = x.kind == Kind::kByte || x.kind == Kind::kUnit;
  if (!shades || x.shape.size() != 3) return {};
  const double data = gradient_energy(s.batch().x).mean().item<double>();
  if (data <= 0) return {};
  const double share = gradient_energy(s.reconstructions()).mean().item<double>() / data;
  if (share >= kLeastSharpness) return {};
  std::ostringstream says;
  says.precision(2);
  says << "Reconstructions are blurred: they keep " << 100 * share
       << " % of the data's gradient energy";
  return {{"blur", says.str(), "gradient energy of reconstructions as a share of the data's", share,
           kLeastSharpness,
           "more latent dimensions (--set latent.size=…), longer training, or --model "
           "ms_ssim_vae or vae_gan"}};
}

}  // namespace elbo

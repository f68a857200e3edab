#include "elbo/tasks/latent_scale.h"

namespace elbo {
namespace {

Tensor over_channels(const Json& latents, const char* name) {
  if (!latents.is_object() || !latents.contains(name)) return Tensor();
  const auto& list = latents[name];
  check(list.is_array() && !list.empty() &&
            std::all_of(list.begin(), list.end(), [](const Json& v) { return v.is_number(); }),
        "[run] spec.json: latents.", name, ": expected numbers");
  return torch::tensor(list.get<std::vector<double>>(), torch::kFloat64).view({1, -1, 1, 1});
}

double number_in_latents(const Json& latents, const char* name, double otherwise) {
  if (!latents.is_object() || !latents.contains(name)) return otherwise;
  check(latents[name].is_number(), "[run] spec.json: latents.", name, ": expected a number");
  return latents[name].get<double>();
}

Tensor like(const Tensor& t, const Tensor& x) { return t.to(x.scalar_type()); }

}  // namespace

LatentScale::LatentScale(const Json& latents)
    : scale_(number_in_latents(latents, "scale", 1)),
      shift_(number_in_latents(latents, "shift", 0)),
      mean_(over_channels(latents, "mean")),
      deviation_(over_channels(latents, "deviation")),
      patch_mean_(over_channels(latents, "patch_mean")) {
  check(scale_ != 0, "[run] spec.json: latents.scale: found 0");
  const auto variance = over_channels(latents, "patch_variance");
  check(variance.defined() == patch_mean_.defined(),
        "[run] spec.json: latents: patch_mean and patch_variance belong together");
  if (!variance.defined()) return;
  const double epsilon = number_in_latents(latents, "patch_epsilon", 1e-4);
  patch_deviation_ = (variance + epsilon).sqrt();
}

Tensor LatentScale::scaled(const Tensor& z) const {
  if (patch_mean_.defined()) {
    const int64_t n = z.size(0), c = z.size(1), height = z.size(2) / 2, width = z.size(3) / 2;
    check(4 * c == patch_mean_.numel(), "[latents] codes of ", c,
          " channels, the run's scale is for ", patch_mean_.numel() / 4);
    const auto packed = z.reshape({n, c, height, 2, width, 2})
                            .permute({0, 1, 3, 5, 2, 4})
                            .reshape({n, 4 * c, height, width});
    return (packed - like(patch_mean_, z)) / like(patch_deviation_, z);
  }
  auto y = mean_.defined() ? z - like(mean_, z) : z;
  if (deviation_.defined()) y = y / like(deviation_, z);
  return (y - shift_) * scale_;
}

Tensor LatentScale::code(const Tensor& latents) const {
  if (patch_mean_.defined()) {
    check(latents.size(1) == patch_mean_.numel(), "[latents] found ", latents.size(1),
          " channels, expected ", patch_mean_.numel());
    const auto packed = latents * like(patch_deviation_, latents) + like(patch_mean_, latents);
    const int64_t n = packed.size(0), c = packed.size(1) / 4, h = packed.size(2),
                  w = packed.size(3);
    return packed.reshape({n, c, 2, 2, h, w})
        .permute({0, 1, 4, 2, 5, 3})
        .reshape({n, c, 2 * h, 2 * w});
  }
  auto z = latents / scale_ + shift_;
  if (deviation_.defined()) z = z * like(deviation_, z);
  return mean_.defined() ? z + like(mean_, z) : z;
}

}  // namespace elbo

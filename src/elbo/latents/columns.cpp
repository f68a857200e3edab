#include "elbo/latents/columns.h"

namespace elbo {

int64_t columns_alone(const LatentPlan& plan, const std::string& latent, const std::string& decoder,
                      const char* why) {
  const auto& x = plan.data.x;
  check(x.shape.size() == 1, "[latent ", latent, "] data: found ", x.kind, " of shape ",
        to_string(x.shape), ", expected columns");
  check(!plan.data.c.present(), "[latent ", latent,
        "] condition: it reads none; rows given some of their columns: elbo sample --where");
  const Json& declared = plan.spec.at("decoder");
  const Json type = declared.is_object() ? declared.value("type", Json("auto")) : declared;
  check(type == decoder, "[latent ", latent, "] decoder: found ", type.dump(), ", expected \"",
        decoder, "\": ", why);
  return x.shape[0];
}

Tensor whole_numbers(const Tensor& z, int64_t columns, int64_t count, const char* what) {
  auto rounded = z.round().to(torch::kInt64);
  check(z.dim() == 2 && z.size(1) == columns, "[z] fixed value: found shape ",
        to_string(Shape(z.sizes().slice(1).vec())), ", expected ", columns);
  const int64_t low = rounded.min().item<int64_t>(), high = rounded.max().item<int64_t>();
  check(low >= 0 && high < count, "[z] ", what, ": found ", low < 0 ? low : high, ", allowed 0 to ",
        count - 1);
  return rounded;
}

}  // namespace elbo

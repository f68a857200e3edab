#include "elbo/train/code_spread.h"

#include <algorithm>

#include "elbo/model/evaluation_scope.h"
#include "elbo/model/sees_training.h"
#include "elbo/nn/picture_network.h"

namespace elbo {
namespace {

constexpr int64_t kSpreadRows = 1000, kSpreadBlock = 16;

std::vector<double> list_of(const Tensor& t) {
  const auto dense = t.to(torch::kFloat64).contiguous();
  return {dense.data_ptr<double>(), dense.data_ptr<double>() + dense.numel()};
}

}  // namespace

bool encodes_pictures(const Latent& latent) {
  const auto modules = latent.modules();
  return latent.code().size() == 3 &&
         std::any_of(modules.begin(), modules.end(), [](const auto& module) {
           return dynamic_cast<const PictureNetwork*>(module.get()) != nullptr;
         });
}

Json measured_latents(Model& model, const Dataset& rows) {
  auto& latent = *model.latent;
  if (!encodes_pictures(latent)) return Json();
  const torch::NoGradGuard no_gradient;
  const RandomScope scope(Draw{}.key("spread of codes"));
  const EvaluationScope evaluation(model);
  const auto all = some_of(rows, kSpreadRows);
  Tensor sum, squares;
  double count = 0;
  for (int64_t from = 0; from < all.size(); from += kSpreadBlock) {
    const auto batch = slice(all, from, std::min(all.size(), from + kSpreadBlock));
    const auto trace = latent.infer(batch, 1);
    if (trace.sites.size() != 1 || trace.code.dim() != 4) return Json();
    const auto z = trace.code.to(torch::kFloat64);
    const auto s = z.sum({0, 2, 3}), q = z.square().sum({0, 2, 3});
    sum = sum.defined() ? sum + s : s;
    squares = squares.defined() ? squares + q : q;
    count += static_cast<double>(z.numel() / z.size(1));
  }
  const auto mean = sum / count;
  const auto deviation = (squares / count - mean.square()).clamp_min(0).sqrt();
  const double shift = mean.mean().item<double>();
  const double whole =
      std::sqrt(std::max(0.0, (squares.mean() / count).item<double>() - shift * shift));
  if (!(whole > 0)) return Json();
  return {{"scale", 1 / whole},
          {"shift", shift},
          {"measured",
           {{"rows", all.size()}, {"mean", list_of(mean)}, {"deviation", list_of(deviation)}}}};
}

}  // namespace elbo

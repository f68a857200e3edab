#include "elbo/train/stage.h"

#include "elbo/io/safetensors.h"

namespace elbo {
namespace {

bool has_usual_prior(const Json& spec) {
  const Json& prior = spec["prior"];
  const bool usual = prior == "normal" || (prior.is_object() && prior == Json{{"type", "normal"}});
  return usual && !spec["latent"].contains("prior");
}

}  // namespace

bool tunes(const Run& first, const std::string& model) {
  const Json wanted = model_spec(model);
  return has_usual_prior(wanted) && has_usual_prior(first.spec()) &&
         wanted["objective"] != default_spec()["objective"];
}

Json second_stage_spec(const Run& first, const std::string& model) {
  Json spec = first.spec();
  if (tunes(first, model)) {
    const Json wanted = model_spec(model);
    spec["objective"] = wanted["objective"];
    if (wanted.contains("train")) spec["train"] = wanted["train"];
    return spec;
  }
  const Json plain = default_spec(), wanted = model_spec(model);
  if (wanted["prior"] != plain["prior"]) spec["prior"] = wanted["prior"];
  const Json& latent = wanted["latent"];
  if (latent != plain["latent"]) {
    check(latent.value("type", "") == spec["latent"].value("type", ""), "[from] ",
          first.path().string(), ": its latent is ", spec["latent"].value("type", ""), ", that of ",
          model, " ", latent.value("type", ""), "; the two may differ in the prior alone");
    if (latent.contains("prior")) spec["latent"]["prior"] = latent["prior"];
  }
  spec["objective"] = {{"type", "fit_prior"}};
  return spec;
}

void take_weights(Model& model, const Run& first) {
  const auto path = (first.path() / "weights.safetensors").string();
  check(first.has_weights(), "[from] ", first.path().string(),
        ": no weights yet; its training must come first");
  const auto file = load_safetensors(path);
  const auto prior = model.latent->prior_parameters();
  const auto in_prior = [&](const Tensor& tensor) {
    return std::any_of(prior.begin(), prior.end(),
                       [&](const Tensor& other) { return other.is_same(tensor); });
  };
  torch::NoGradGuard no_gradient;
  const auto take = [&](const std::string& name, Tensor tensor, bool must) {
    const auto saved = file.find(name);
    const bool fits = saved.defined() && saved.sizes() == tensor.sizes();
    if (fits) tensor.detach().copy_(saved);
    check(fits || !must, "[from] ", path, ": ", name, ": found ",
          saved.defined() ? "shape " + to_string(saved.sizes().vec()) : "no such tensor",
          ", the model needs ", to_string(tensor.sizes().vec()),
          "; the two may differ in the prior alone");
  };
  for (const auto& p : model.named_parameters()) take(p.key(), p.value(), !in_prior(p.value()));
  // A buffer that the first run lacks is the new prior's.
  for (const auto& b : model.named_buffers()) take(b.key(), b.value(), false);
}

}  // namespace elbo

// Trains a VAE on digits that the library draws itself, and samples from it.
// An argument gives the number of training steps, instead of five epochs.
#include <cstdlib>
#include <iostream>

#include "elbo/data/open.h"
#include "elbo/train/trainer.h"

int main(int argc, char** argv) {
  const auto data = elbo::open_data("builtin:digits", {.rows = 4000});
  const auto [train, validation] = elbo::split_validation(data, 0.1, 0);

  auto spec = elbo::model_spec("vae");
  elbo::set_option(spec, "latent.size=16");
  const auto [model, objective] = elbo::assemble(spec, data->schemas(), train->size());

  elbo::Trainer trainer(model, objective,
                        {.epochs = 5, .steps = argc > 1 ? std::atoll(argv[1]) : 0});
  elbo::Trainer::Hooks hooks;
  hooks.on_log = [](const elbo::Json& line) { std::cout << line << "\n"; };
  trainer.fit(train, validation, hooks);

  torch::NoGradGuard no_grad;
  model->eval();
  const auto digits = model->generate(8).x->mean();  // [8, 1, 28, 28]
  std::cout << "eight samples of shape " << digits.sizes() << ", mean brightness "
            << digits.mean().item<double>() << "\n";
}

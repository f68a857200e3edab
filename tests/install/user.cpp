#include <cmath>
#include <iostream>

#include "elbo/data/open.h"
#include "elbo/distributions/continuous.h"
#include "elbo/train/trainer.h"

int main() {
  const auto data = elbo::open_data("builtin:digits", {.rows = 256});
  const auto [model, objective] =
      elbo::assemble(elbo::model_spec("vae"), data->schemas(), data->size());
  elbo::Trainer(model, objective, {.epochs = 1}).fit(data, nullptr);

  const auto digit = model->generate(1).x->mean();
  const bool in_range = digit.min().item<float>() >= 0 && digit.max().item<float>() <= 1;

  // log N(2; 1, 3) = -(1/3)^2 / 2 - log 3 - log(2 pi) / 2
  const auto normal = elbo::checked::normal(torch::ones({1}), torch::full({1}, 3.0));
  const double found = normal->log_prob(torch::full({1}, 2.0)).item<double>();
  std::cout << "log N(2; 1, 3) = " << found << "\n";
  const bool exact = std::abs(found - -2.073106377) < 1e-6;
  return in_range && exact ? 0 : 1;
}

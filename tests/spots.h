#pragma once

#include "toy.h"

namespace elbo {

/// Spots left or right of the middle, 12 x 12, with the side as their label: known of `labels`
/// rows.
inline Data spots(int64_t labels) {
  RandomScope scope(3);
  const int64_t n = 256;
  const auto y = torch::randint(2, {n}, torch::kInt64);
  const auto places = torch::arange(12).view({1, 12});
  const auto row = 3 + 6 * torch::rand({n, 1});
  const auto column = 2.5 + 2 * torch::rand({n, 1}) + 4.5 * y.unsqueeze(1);
  const auto spot = (-(places - row).square() / 3).exp().unsqueeze(2) *
                    (-(places - column).square() / 3).exp().unsqueeze(1);
  Arrays arrays;
  arrays.x = spot.unsqueeze(1).contiguous();
  arrays.y = torch::where(torch::arange(n) < labels, y, torch::full_like(y, -1));
  arrays.schemas.x = {{1, 12, 12}, Kind::kUnit, Json::object()};
  arrays.schemas.y = {{}, Kind::kCategory, {{"classes", {"left", "right"}}}};
  return in_memory(arrays);
}

/// A model of them that infers the side.
inline Json classifying(const Json& objective) {
  return toy_spec({{"latent", {{"type", "labelled"}, {"size", 2}, {"alpha", 0}}},
                   {"likelihood", "bernoulli"},
                   {"objective", objective}});
}

}  // namespace elbo

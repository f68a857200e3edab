#include <cmath>

#include "elbo/core/random.h"
#include "elbo/nn/gradients.h"
#include "elbo/train/game.h"
#include "elbo/train/means.h"

namespace elbo {

bool Game::backward_in_group(size_t player, const Terms& terms) {
  const auto told = numbers(terms);
  agreement_->begin(told);
  gradient_sum_->begin(player);
  // A process whose own loss is no number takes part in the sums all the same: the others wait.
  if (std::isfinite(told.front().second)) {
    DirectGradients direct;
    // The sum over the processes is then the gradient of the mean over all rows.
    terms.loss.backward(torch::full_like(terms.loss, 1.0 / static_cast<double>(group_size())));
  }
  gradient_sum_->finish();
  agreement_->finish();
  return agreement_->finite();
}

void Game::join_group() {
  if (!group()) return;
  gradient_sum_.reset();  // one at a time: both would hook into the same parameters
  gradient_sum_ = std::make_unique<GradientSum>(*flat_, spans_);
  agreement_ = std::make_unique<Agreement>();
  for (const auto& [name, live] : live_tensors()) group()->copy_first(live.detach());
  if (low_) low_->refresh();
  const auto random = torch_random_state();
  group()->copy_first(random);
  set_torch_random_state(random);
}

void Game::agree_on_state() {
  if (!group()) return;
  check_same_bits(flat_->values, "weights");
  // Where a part keeps figures of its own rows, those of process 0 count.
  for (const auto& [name, buffer] : buffers_) group()->copy_first(buffer.detach());
}

bool Game::all_go_on(bool own) {
  if (!agreement_) return own;
  if (!own) agreement_->want_stop();
  return !agreement_->all_stop();
}

}  // namespace elbo

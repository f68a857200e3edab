#include "elbo/train/game.h"

#include <algorithm>
#include <cmath>

#include "elbo/core/backward.h"
#include "elbo/core/light.h"
#include "elbo/core/profile.h"
#include "elbo/core/random.h"
#include "elbo/nn/gradients.h"
#include "elbo/train/means.h"
#include "elbo/train/players.h"

namespace elbo {
namespace {

/// Parameters and buffers of model and objective under one name each, shared ones once.
template <class Named>
void append(std::vector<std::pair<std::string, Tensor>>& out, const std::string& owner,
            const Named& named) {
  for (const auto& item : named) {
    const bool known = std::any_of(out.begin(), out.end(),
                                   [&](const auto& o) { return o.second.is_same(item.value()); });
    if (!known) out.emplace_back(owner + item.key(), item.value());
  }
}

}  // namespace

Game::Game(std::shared_ptr<Model> model, std::shared_ptr<Objective> objective,
           const std::string& rule, bool bf16)
    : model_(std::move(model)), objective_(std::move(objective)) {
  std::vector<std::pair<std::string, Tensor>> parameters;
  append(parameters, "", model_->named_parameters());
  append(parameters, "objective.", objective_->named_parameters());
  append(buffers_, "", model_->named_buffers());
  append(buffers_, "objective.", objective_->named_buffers());
  flat_ = std::make_unique<FlatParameters>(parameters);
  optimizer_ = std::make_unique<Optimizer>(*flat_);
  if (bf16 && flat_->values.device().is_cpu()) {
    low_ = std::make_unique<Bf16Weights>(std::vector<Tensor>{flat_->values});
    optimizer_->low = low_->copy(0);
  }
  players_ = objective_->players(*model_);
  check_players(players_, rule);
  if (auto* profile = Profile::current()) {
    for (const auto& span : flat_->spans()) {
      profile->name(flat_->values.data_ptr<float>() + span.offset, span.name);
    }
  }
  for (const auto& player : players_) spans_.push_back(flat_->spans_of(player.parameters));
}

std::optional<Game::Numbers> Game::step(const Batch& batch, int64_t number,
                                        const StepSettings& settings, NextBatch& batches) {
  Step step(*model_, batch, number);
  Numbers shown;
  for (size_t i = 0; i < players_.size(); ++i) {
    if (number % players_[i].every != 0) continue;
    const auto own = with_own(settings, players_[i].settings);
    for (step.turn = 0; step.turn < players_[i].times; ++step.turn) {
      const auto turn = play(i, step, own, batches, shown);
      if (turn == Turn::kNotFinite) return std::nullopt;
      if (turn == Turn::kSatOut) break;
      step.moved(players_[i].parameters);
    }
  }
  return shown;
}

Game::Turn Game::play(size_t player, const Step& step, const StepSettings& settings,
                      NextBatch& batches, Numbers& shown) {
  // Another player's backward may have left gradients here: they are not this one's.
  if (players_.size() > 1) flat_->gradients.zero_();
  const Bf16Products products(low_.get());
  const DirectGradients direct(!gradient_sum_);  // whose sums wait for autograd's own nodes
  const auto terms = [&] {
    const Timed timed("loss, the rest");
    return players_[player].loss(step);
  }();
  if (!terms.loss.defined()) return Turn::kSatOut;
  const bool sound = [&] {
    const Timed timed("backward, the rest");
    return gradient_sum_ ? backward_in_group(player, terms) : backward(terms, batches);
  }();
  if (!sound) return Turn::kNotFinite;
  optimizer_->step(*flat_, spans_[player], settings);
  if (player == 0 && step.turn == 0) shown = agreement_ ? agreement_->terms() : numbers(terms);
  return Turn::kPlayed;
}

bool Game::backward(const Terms& terms, NextBatch& batches) {
  if (!std::isfinite(number_in(terms.loss))) return false;
  const WithHelper scope(batches.helper());
  elbo::backward(terms.loss);
  batches.finish();
  flat_->attach();
  return true;
}

bool Game::finite() const { return std::isfinite(flat_->values.sum().item<double>()); }

std::string Game::first_not_finite() const {
  const auto bad = [&](const Tensor& flat) -> std::string {
    for (const auto& span : flat_->spans()) {
      if (!flat.narrow(0, span.offset, span.size).isfinite().all().item<bool>()) return span.name;
    }
    return "";
  };
  if (const auto name = bad(flat_->values); !name.empty()) return "parameter " + name;
  if (const auto name = bad(flat_->gradients); !name.empty()) return "the gradient of " + name;
  return "the loss itself (all parameters are finite)";
}

std::vector<std::pair<std::string, Tensor>> Game::live_tensors() const {
  std::vector<std::pair<std::string, Tensor>> list;
  list.emplace_back("train.values", flat_->values);
  list.emplace_back("train.first", optimizer_->first);
  list.emplace_back("train.second", optimizer_->second);
  if (optimizer_->average.defined()) list.emplace_back("train.average", optimizer_->average);
  for (const auto& [name, buffer] : buffers_) list.emplace_back("buffer." + name, buffer);
  return list;
}

Json Game::spans_as_json() const {
  Json spans = Json::array();
  for (const auto& span : flat_->spans()) spans.push_back({span.name, span.size});
  return spans;
}

void Game::save(TrainState& state) const {
  for (const auto& [name, tensor] : live_tensors()) {
    state.tensors.emplace_back(name, tensor.detach().to(torch::kCPU, /*non_blocking=*/false,
                                                        /*copy=*/true));
  }
  state.tensors.emplace_back("train.random", torch_random_state());
  if (!device().is_cpu()) {  // which draws from a stream of its own
    state.tensors.emplace_back("train.random.device", torch_random_state(device()));
  }
  state.facts["times"] = optimizer_->times;
  state.facts["parameters"] = spans_as_json();
}

void Game::restore(const TrainState& state) {
  torch::NoGradGuard no_gradient;
  check(state.facts.value("parameters", Json()) == spans_as_json(),
        "[resume] the saved state holds other parameters than this model");
  if (const auto average = state.find("train.average"); average.defined()) {
    optimizer_->average = average.to(device(), false, true);
  }
  for (const auto& [name, live] : live_tensors()) {
    const auto tensor = state.find(name);
    check(tensor.defined() && tensor.sizes() == live.sizes(), "[resume] the saved state lacks ",
          name, " of shape ", to_string(live.sizes().vec()));
    live.detach().copy_(tensor);
  }
  if (low_) low_->refresh();
  flat_->gradients.zero_();
  if (const auto random = state.find("train.random"); random.defined()) {
    set_torch_random_state(random.contiguous());
  }
  const auto random = state.find("train.random.device");
  if (random.defined() && !device().is_cpu()) {
    set_torch_random_state(random.contiguous(), device());
  }
  // Earlier versions counted the steps of the training instead of a parameter's own.
  auto& times = optimizer_->times;
  const auto count = times.size();
  const int64_t steps = state.facts.at("step");
  times = state.facts.value("times", std::vector<int64_t>(count, steps));
  check(times.size() == count, "[resume] the saved state has ", times.size(),
        " counts of updates for ", count, " parameters");
}

Game::Averaged::Averaged(Game& game) : game_(game) {
  if (!game.optimizer_->average.defined()) return;
  live_ = game.flat_->values.clone();
  game.flat_->values.copy_(game.optimizer_->average);
}

Game::Averaged::~Averaged() {
  if (live_.defined()) game_.flat_->values.copy_(live_);
}

}  // namespace elbo

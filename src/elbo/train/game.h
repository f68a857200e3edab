#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "elbo/group/agreement.h"
#include "elbo/model/objective.h"
#include "elbo/nn/bf16.h"
#include "elbo/train/gradient_sum.h"
#include "elbo/train/next_batch.h"
#include "elbo/train/optimizer.h"
#include "elbo/train/state.h"

namespace elbo {

/// An objective's players over a model's parameters: one step after the other, alone or in a group
/// of processes.
class Game {
 public:
  using Numbers = std::vector<std::pair<std::string, double>>;
  /// `rule`: of the players without one of their own.
  /// bf16: products of the layers take weights and rows rounded to bfloat16; masters stay float32.
  Game(std::shared_ptr<Model> model, std::shared_ptr<Objective> objective, const std::string& rule,
       bool bf16 = false);

  /// Every player's turns on one batch. What the log shows of it; nothing where a loss is not
  /// finite, whose player has then not stepped. The rest of `batches`' work ends within.
  std::optional<Numbers> step(const Batch& batch, int64_t number, const StepSettings& settings,
                              NextBatch& batches);
  /// What is not finite, in words.
  std::string first_not_finite() const;
  bool finite() const;
  torch::Device device() const { return flat_->values.device(); }

  /// Adds tensors and facts to a state.
  void save(TrainState& state) const;
  void restore(const TrainState& state);
  /// In its scope the model has the averaged weights, if there are any.
  class Averaged {
   public:
    explicit Averaged(Game& game);
    ~Averaged();
    Averaged(const Averaged&) = delete;
    Averaged& operator=(const Averaged&) = delete;

   private:
    Game& game_;
    Tensor live_;
  };

  /// In a group: begins with the first process's state, and sums from here on.
  void join_group();
  /// In a group: raises an Error where weights differ; the first process's buffers count.
  void agree_on_state();
  /// `own`: whether this process would go on. Whether all do.
  bool all_go_on(bool own);
  /// Of the latest step; null = alone.
  const GradientSum* sums() const { return gradient_sum_.get(); }

 private:
  enum class Turn { kPlayed, kSatOut, kNotFinite };
  Turn play(size_t player, const Step& step, const StepSettings& settings, NextBatch& batches,
            Numbers& shown);
  bool backward(const Terms& terms, NextBatch& batches);
  bool backward_in_group(size_t player, const Terms& terms);
  std::vector<std::pair<std::string, Tensor>> live_tensors() const;
  Json spans_as_json() const;

  std::shared_ptr<Model> model_;
  std::shared_ptr<Objective> objective_;
  std::vector<std::pair<std::string, Tensor>> buffers_;
  std::unique_ptr<FlatParameters> flat_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Bf16Weights> low_;           // null = float32
  std::unique_ptr<GradientSum> gradient_sum_;  // in a group
  std::unique_ptr<Agreement> agreement_;       // in a group
  std::vector<Player> players_;
  std::vector<std::vector<Span>> spans_;  // of each player
};

}  // namespace elbo

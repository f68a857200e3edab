#include "elbo/train/trainer.h"

#include <cmath>

#include "elbo/core/profile.h"
#include "elbo/data/block_order.h"
#include "elbo/data/rows.h"
#include "elbo/model/evaluation_scope.h"
#include "elbo/train/game.h"

namespace elbo {
namespace {

Batch on_device(Batch batch, torch::Device device) {
  for (Tensor* t : {&batch.x, &batch.mask, &batch.c, &batch.y, &batch.target, &batch.rows}) {
    if (t->defined()) *t = t->to(device);
  }
  return batch;
}

/// Tells streamed data which rows this process will ask for: its part of every batch.
void announce(const Dataset& data, const Tensor& order, const RowPart& part) {
  const auto* rows = streamed(data);
  if (!rows) return;
  rows->expect(order.view({-1, part.total}).narrow(1, part.first, part.count).flatten());
}

Json object(const Means& means) {
  Json j = Json::object();
  for (const auto& [name, value] : means.values()) j[name] = value;
  return j;
}

}  // namespace

Trainer::Trainer(std::shared_ptr<Model> model, std::shared_ptr<Objective> objective,
                 TrainOptions options)
    : model_(std::move(model)),
      objective_(std::move(objective)),
      options_(std::move(options)),
      game_(std::make_unique<Game>(model_, objective_, options_.optimizer,
                                   options_.precision == "bf16")) {}

Trainer::~Trainer() = default;

StepSettings Trainer::settings() const {
  return {options_.optimizer, options_.lr.at(book_.step) * book_.lr_scale,
          options_.beta1,     options_.beta2,
          options_.epsilon,   options_.weight_decay,
          options_.clip,      options_.normalize,
          options_.average};
}

Trainer::State Trainer::state() const {
  State state;
  state.facts = book_.save();
  game_->save(state);
  return state;
}

void Trainer::restore(const State& state) {
  game_->restore(state);
  book_.restore(state.facts);
}

void Trainer::roll_back(const std::string& cause, const Hooks& hooks) {
  const auto where = book_.step;
  const int64_t earlier = book_.roll_backs;
  check(earlier == 0, "[train] ", cause, " is not finite at step ", where,
        " again after rolling back and halving the learning rate; try a smaller --lr, --clip 1, or "
        "a bounded scale (--set likelihood.min_log_scale=-4)");
  restore(good_);
  book_.roll_backs = earlier + 1;
  book_.lr_scale *= 0.5;
  keep_good();
  if (hooks.on_note) {
    hooks.on_note(cause + " is not finite at step " + std::to_string(where) + ": back to step " +
                  std::to_string(book_.step) + " with half the learning rate");
  }
}

void Trainer::keep_good() { good_ = state(); }

Json Trainer::validate(const Data& rows_held_out) {
  torch::NoGradGuard no_gradient;
  const Timed timed("validation, the rest");
  const auto data =
      counted_rows(rows_held_out, Draw{static_cast<uint64_t>(options_.seed), 0}.key("weights"));
  // The same noise at every epoch, so that epochs compare; training's own stream goes on untouched.
  RandomScope scope(Draw{static_cast<uint64_t>(options_.seed), 0}.key("validation"));
  const EvaluationScope model_scope(*model_), objective_scope(*objective_);
  Means means;
  for (int64_t first = 0; first < data->size(); first += options_.batch) {
    auto part = own_part(std::min(options_.batch, data->size() - first));
    const auto weight = static_cast<double>(part.count);
    // Without a row of its own a process tries the block's first, which then counts for nothing.
    if (part.count == 0) part = {0, 1, part.total};
    const RowDraws draws(part);
    const auto start = first + part.first;
    const auto rows = torch::arange(start, start + part.count, torch::kInt64);
    const auto batch = on_device(data->get(rows), game_->device());
    means.add(numbers(objective_->validate(*model_, batch)), weight);
  }
  means.sum_over_group();
  return object(means);
}

void Trainer::end_epoch(const Data& validation, const Hooks& hooks) {
  Json line{{"epoch", book_.epoch},
            {"step", book_.step},
            {"lr", options_.lr.at(book_.step - 1) * book_.lr_scale}};
  line["train"] = object(book_.epoch_means);
  {
    const Game::Averaged averaged(*game_);
    double judged = book_.epoch_means.values().front().second;
    if (validation) {
      line["validation"] = validate(validation);
      judged = line["validation"]["loss"].get<double>();
    }
    const bool better = book_.close_epoch(judged, options_.patience);
    line["best"] = better;
    if (hooks.on_keep && (better || options_.keep == "last")) hooks.on_keep();
  }
  if (hooks.on_log) hooks.on_log(line);
}

bool Trainer::step_on(const Dataset& train, const Tensor& rows, const Tensor& next,
                      const RowPart& part) {
  const Timed timed("step, the rest");
  const Draw draw{static_cast<uint64_t>(options_.seed), static_cast<uint64_t>(book_.epoch) + 1};
  auto batch = batches_.take({train, rows, draw, book_.step}, next);
  batch.rows = rows;
  batch = on_device(std::move(batch), game_->device());
  const RowDraws draws(part);
  // Whatever ends the step, nothing is being read when the data may go.
  struct Guard {
    NextBatch& batches;
    ~Guard() { batches.abandon(); }
  } guard{batches_};
  const auto shown = game_->step(batch, book_.step, settings(), batches_);
  batches_.finish();
  if (shown) book_.add(*shown, static_cast<double>(batch.size() * group_size()));
  return shown.has_value();
}

Trainer::End Trainer::fit(const Data& train, const Data& validation, const Hooks& hooks) {
  const int64_t n = train->size();
  check(n > 0, "[train] no training rows");
  const int64_t batch = std::min(options_.batch, n);
  const auto part = own_part(batch);
  check(batch % group_size() == 0, "[train] batch: ", batch, " rows do not divide among ",
        group_size(), " processes");
  // A last short batch would have noisier gradients and other shapes: it waits for the next
  // shuffle.
  const int64_t per_epoch = steps_per_epoch(n, batch);
  const int64_t steps = options_.steps > 0 ? options_.steps : options_.epochs * per_epoch;
  const uint64_t seed = static_cast<uint64_t>(options_.seed);
  if (book_.step == 0) seed_torch(Draw{seed, 0}.key("noise"));
  game_->join_group();
  batches_.forget();
  model_->train();
  objective_->train();
  keep_good();
  Tensor order, chosen;
  int64_t order_epoch = -1, rows = 0;

  while (book_.step < steps && !book_.ended_early) {
    if (order_epoch != book_.epoch) {
      const auto key = Draw{seed, static_cast<uint64_t>(book_.epoch)}.key("order");
      order = chosen = Tensor();  // before the next is made: of millions of rows they weigh
      order = epoch_rows(*train, key);
      order_epoch = book_.epoch;
      announce(*train,
               order.narrow(0, book_.position * batch, (per_epoch - book_.position) * batch), part);
    }
    const auto rows_at = [&](int64_t position) {
      return order.narrow(0, position * batch + part.first, part.count).to(torch::kInt64);
    };
    if (!chosen.defined()) chosen = rows_at(book_.position);
    const auto next = book_.position + 1 < per_epoch ? rows_at(book_.position + 1) : Tensor();
    if (!step_on(*train, chosen, next, part)) {
      roll_back(game_->first_not_finite(), hooks);
      order_epoch = -1;
      continue;
    }
    chosen = next;
    book_.advance(per_epoch);
    rows += batch;
    const bool last = book_.step == steps;
    const bool epoch_ends = book_.position == 0 || last;
    const Progress progress{book_.epoch + (epoch_ends ? 0 : 1),
                            options_.epochs,
                            book_.step,
                            steps,
                            rows,
                            &book_.means,
                            game_->sums()};
    const bool go_on = game_->all_go_on(!hooks.on_step || hooks.on_step(progress));
    if (options_.log_every > 0 && book_.step % options_.log_every == 0 && !epoch_ends) {
      if (hooks.on_log) {
        hooks.on_log(
            {{"epoch", book_.epoch}, {"step", book_.step}, {"train", object(book_.means)}});
      }
      book_.means.clear();
    }
    // An activation may swallow a NaN weight, and the loss looks sound: nothing bad is kept.
    if (epoch_ends && !game_->finite()) {
      roll_back(game_->first_not_finite(), hooks);
      order_epoch = -1;
      continue;
    }
    if (epoch_ends) {
      game_->agree_on_state();
      end_epoch(validation, hooks);
    }
    const bool due =
        options_.checkpoint_every > 0 ? book_.step % options_.checkpoint_every == 0 : epoch_ends;
    const bool ends = !go_on || last || book_.ended_early;
    if (due || ends) {
      if (epoch_ends || options_.checkpoint_every > 0) keep_good();
      const bool must = ends || options_.checkpoint_every > 0;
      const Timed timed("save");
      if (hooks.on_checkpoint) hooks.on_checkpoint(must);
    }
    if (!go_on) return End::stopped;
  }
  return book_.ended_early ? End::early : End::finished;
}

}  // namespace elbo

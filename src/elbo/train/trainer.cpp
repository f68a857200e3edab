#include "elbo/train/trainer.h"

#include <cmath>

#include "elbo/core/backward.h"
#include "elbo/data/block_order.h"
#include "elbo/data/rows.h"
#include "elbo/kernels/light.h"
#include "elbo/nn/dense.h"

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

}  // namespace

namespace {

Json object(const Means& means) {
  Json j = Json::object();
  for (const auto& [name, value] : means.values()) j[name] = value;
  return j;
}

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

Trainer::Trainer(std::shared_ptr<Model> model, std::shared_ptr<Objective> objective,
                 TrainOptions options)
    : model_(std::move(model)), objective_(std::move(objective)), options_(std::move(options)) {
  std::vector<std::pair<std::string, Tensor>> parameters;
  append(parameters, "", model_->named_parameters());
  append(parameters, "objective.", objective_->named_parameters());
  append(buffers_, "", model_->named_buffers());
  append(buffers_, "objective.", objective_->named_buffers());
  flat_ = std::make_unique<FlatParameters>(parameters);
  optimizer_ = std::make_unique<Optimizer>(*flat_);
  players_ = objective_->players(*model_);
  for (const auto& player : players_) spans_.push_back(flat_->spans_of(player.parameters));
}

StepSettings Trainer::settings() const {
  return {options_.optimizer, options_.lr.at(step_) * lr_scale_,
          options_.beta1,     options_.beta2,
          options_.epsilon,   options_.weight_decay,
          options_.clip,      options_.normalize,
          options_.average};
}

bool Trainer::train_step(const Batch& batch) {
  const auto rows = static_cast<double>(batch.size() * group_size());
  for (size_t i = 0; i < players_.size(); ++i) {
    // Another player's backward may have left gradients here: they are not this one's.
    if (players_.size() > 1) flat_->gradients.zero_();
    const DirectGradients direct(!gradient_sum_);  // whose sums wait for autograd's own nodes
    const auto terms = objective_->loss(players_[i].name, *model_, batch, step_);
    if (!terms.loss.defined()) continue;
    if (!(gradient_sum_ ? backward_in_group(i, terms) : backward(terms))) return false;
    optimizer_->step(*flat_, spans_[i], settings(), step_ + 1);
    if (i == 0) {
      const auto told = agreement_ ? agreement_->terms() : numbers(terms);
      means_.add(told, rows);
      epoch_means_.add(told, rows);
    }
  }
  return true;
}

bool Trainer::backward(const Terms& terms) {
  if (!std::isfinite(number_in(terms.loss))) return false;
  const WithHelper scope(batches_.helper());
  elbo::backward(terms.loss);
  batches_.finish();
  flat_->attach();
  return true;
}

std::string Trainer::first_not_finite() const {
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

std::vector<std::pair<std::string, Tensor>> Trainer::live_tensors() const {
  std::vector<std::pair<std::string, Tensor>> list;
  list.emplace_back("train.values", flat_->values);
  list.emplace_back("train.first", optimizer_->first);
  list.emplace_back("train.second", optimizer_->second);
  if (optimizer_->average.defined()) list.emplace_back("train.average", optimizer_->average);
  for (const auto& [name, buffer] : buffers_) list.emplace_back("buffer." + name, buffer);
  return list;
}

Trainer::State Trainer::state() const {
  State state;
  for (const auto& [name, tensor] : live_tensors()) {
    state.tensors.emplace_back(name, tensor.detach().to(torch::kCPU, /*non_blocking=*/false,
                                                        /*copy=*/true));
  }
  state.tensors.emplace_back("train.random", torch_random_state());
  Json spans = Json::array();
  for (const auto& span : flat_->spans()) spans.push_back({span.name, span.size});
  state.facts = {{"step", step_},
                 {"epoch", epoch_},
                 {"position", position_},
                 {"lr_scale", lr_scale_},
                 {"roll_backs", roll_backs_},
                 {"best", has_best_ ? Json(best_) : Json()},
                 {"bad_epochs", bad_epochs_},
                 {"ended_early", ended_early_},
                 {"means", means_.save()},
                 {"epoch_means", epoch_means_.save()},
                 {"parameters", spans}};
  return state;
}

void Trainer::restore(const State& state) {
  torch::NoGradGuard no_gradient;
  Json spans = Json::array();
  for (const auto& span : flat_->spans()) spans.push_back({span.name, span.size});
  check(state.facts.value("parameters", Json()) == spans,
        "[resume] the saved state holds other parameters than this model");
  const auto saved = [&](const std::string& name) -> Tensor {
    for (const auto& [key, tensor] : state.tensors) {
      if (key == name) return tensor;
    }
    return Tensor();
  };
  if (const auto average = saved("train.average"); average.defined()) {
    optimizer_->average = average.to(flat_->values.device(), false, true);
  }
  for (const auto& [name, live] : live_tensors()) {
    const auto tensor = saved(name);
    check(tensor.defined() && tensor.sizes() == live.sizes(), "[resume] the saved state lacks ",
          name, " of shape ", to_string(live.sizes().vec()));
    live.detach().copy_(tensor);
  }
  flat_->gradients.zero_();
  if (const auto random = saved("train.random"); random.defined()) {
    set_torch_random_state(random.contiguous());
  }
  const Json& f = state.facts;
  step_ = f.at("step");
  epoch_ = f.at("epoch");
  position_ = f.at("position");
  lr_scale_ = f.at("lr_scale");
  roll_backs_ = f.at("roll_backs");
  has_best_ = !f.at("best").is_null();
  best_ = has_best_ ? f.at("best").get<double>() : 0;
  bad_epochs_ = f.at("bad_epochs");
  ended_early_ = f.at("ended_early");
  means_.restore(f.at("means"));
  epoch_means_.restore(f.at("epoch_means"));
}

void Trainer::roll_back(const std::string& cause, const Hooks& hooks) {
  const auto where = step_;
  const int64_t earlier = roll_backs_;
  check(earlier == 0, "[train] ", cause, " is not finite at step ", where,
        " again after rolling back and halving the learning rate; try a smaller --lr, --clip 1, or "
        "a bounded scale (--set likelihood.min_log_scale=-4)");
  restore(good_);
  roll_backs_ = earlier + 1;
  lr_scale_ *= 0.5;
  keep_good();
  if (hooks.on_note) {
    hooks.on_note(cause + " is not finite at step " + std::to_string(where) + ": back to step " +
                  std::to_string(step_) + " with half the learning rate");
  }
}

void Trainer::keep_good() { good_ = state(); }

Json Trainer::validate(const Data& data) {
  torch::NoGradGuard no_gradient;
  // The same noise at every epoch, so that epochs compare; training's own stream goes on untouched.
  RandomScope scope(Draw{static_cast<uint64_t>(options_.seed), 0}.key("validation"));
  model_->eval();
  objective_->eval();
  Means means;
  for (int64_t first = 0; first < data->size(); first += options_.batch) {
    auto part = own_part(std::min(options_.batch, data->size() - first));
    const auto weight = static_cast<double>(part.count);
    // Without a row of its own a process tries the block's first, which then counts for nothing.
    if (part.count == 0) part = {0, 1, part.total};
    const RowDraws draws(part);
    const auto start = first + part.first;
    const auto rows = torch::arange(start, start + part.count, torch::kInt64);
    const auto batch = on_device(data->get(rows), flat_->values.device());
    means.add(numbers(objective_->validate(*model_, batch)), weight);
  }
  means.sum_over_group();
  model_->train();
  objective_->train();
  return object(means);
}

void Trainer::end_epoch(const Data& validation, const Hooks& hooks) {
  Json line{{"epoch", epoch_}, {"step", step_}, {"lr", options_.lr.at(step_ - 1) * lr_scale_}};
  line["train"] = object(epoch_means_);
  Tensor live;
  const bool averaged = optimizer_->average.defined();
  if (averaged) {
    live = flat_->values.clone();
    flat_->values.copy_(optimizer_->average);
  }
  double judged = epoch_means_.values().front().second;
  if (validation) {
    line["validation"] = validate(validation);
    judged = line["validation"]["loss"].get<double>();
  }
  const bool better = std::isfinite(judged) && (!has_best_ || judged < best_);
  bad_epochs_ = better ? 0 : bad_epochs_ + 1;
  line["best"] = better;
  if (better) {
    best_ = judged;
    has_best_ = true;
  }
  if (hooks.on_keep && (better || options_.keep == "last")) hooks.on_keep();
  if (averaged) flat_->values.copy_(live);
  means_.clear();
  epoch_means_.clear();
  ended_early_ = options_.patience > 0 && bad_epochs_ >= options_.patience;
  if (hooks.on_log) hooks.on_log(line);
}

bool Trainer::step_on(const Dataset& train, const Tensor& rows, const Tensor& next,
                      const RowPart& part) {
  const Draw draw{static_cast<uint64_t>(options_.seed), static_cast<uint64_t>(epoch_) + 1};
  auto batch = batches_.take({train, rows, draw}, next);
  batch.rows = rows;
  batch = on_device(std::move(batch), flat_->values.device());
  const RowDraws draws(part);
  // Whatever ends the step, nothing is being read when the data may go.
  struct Guard {
    NextBatch& batches;
    ~Guard() { batches.abandon(); }
  } guard{batches_};
  const bool sound = train_step(batch);
  batches_.finish();
  return sound;
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
  if (step_ == 0) seed_torch(Draw{seed, 0}.key("noise"));
  join_group();
  model_->train();
  objective_->train();
  keep_good();
  Tensor order, chosen;
  int64_t order_epoch = -1, rows = 0;

  while (step_ < steps && !ended_early_) {
    if (order_epoch != epoch_) {
      const auto key = Draw{seed, static_cast<uint64_t>(epoch_)}.key("order");
      order = torch::tensor(epoch_order(*train, key));
      order_epoch = epoch_;
      chosen = Tensor();
      announce(*train, order.narrow(0, position_ * batch, (per_epoch - position_) * batch), part);
    }
    const auto rows_at = [&](int64_t position) {
      return order.narrow(0, position * batch + part.first, part.count);
    };
    if (!chosen.defined()) chosen = rows_at(position_);
    const auto next = position_ + 1 < per_epoch ? rows_at(position_ + 1) : Tensor();
    if (!step_on(*train, chosen, next, part)) {
      roll_back(first_not_finite(), hooks);
      order_epoch = -1;
      continue;
    }
    chosen = next;
    ++step_;
    ++position_;
    rows += batch;
    const bool epoch_ends = position_ == per_epoch || step_ == steps;
    if (position_ == per_epoch) {
      position_ = 0;
      ++epoch_;
    }
    const Progress progress{epoch_ + (epoch_ends ? 0 : 1),
                            options_.epochs,
                            step_,
                            steps,
                            rows,
                            &means_,
                            gradient_sum_.get()};
    const bool go_on = asks_to_go_on(progress, hooks);
    if (options_.log_every > 0 && step_ % options_.log_every == 0 && !epoch_ends) {
      if (hooks.on_log) {
        hooks.on_log({{"epoch", epoch_}, {"step", step_}, {"train", object(means_)}});
      }
      means_.clear();
    }
    // An activation may swallow a NaN weight, and the loss looks sound: nothing bad is kept.
    if (epoch_ends && !std::isfinite(flat_->values.sum().item<double>())) {
      roll_back(first_not_finite(), hooks);
      order_epoch = -1;
      continue;
    }
    if (epoch_ends) {
      agree_on_state();
      end_epoch(validation, hooks);
    }
    const bool due =
        options_.checkpoint_every > 0 ? step_ % options_.checkpoint_every == 0 : epoch_ends;
    if (due || !go_on || step_ == steps || ended_early_) {
      if (epoch_ends || options_.checkpoint_every > 0) keep_good();
      const bool must = !go_on || step_ == steps || ended_early_ || options_.checkpoint_every > 0;
      if (hooks.on_checkpoint) hooks.on_checkpoint(must);
    }
    if (!go_on) return End::stopped;
  }
  return ended_early_ ? End::early : End::finished;
}

}  // namespace elbo

// A world model (Ha & Schmidhuber 2018, arXiv:1803.10122): a VAE sees pictures of a cart-pole, a
// recurrent network learns how its codes go on, and a controller is trained inside that dream
// alone. Then it is tried in the real world, beside random pushes. Writes world_model.png: above
// what the cart-pole shows, below what the model dreams from the same beginning and pushes. An
// argument makes it a short run of that many training steps.
#include <cstdlib>
#include <iostream>

#include "cart_pole.h"
#include "elbo/io/image.h"
#include "elbo/model/codes.h"
#include "elbo/nn/recurrent.h"
#include "elbo/train/trainer.h"

using elbo::Tensor;

namespace {

constexpr int64_t kCode = 8, kMemory = 64, kLongest = 200;

/// What happened to many cart-poles: time is the first axis.
struct Experience {
  Tensor seen;    // [T + 1, n, 2, side, side]
  Tensor pushes;  // [T, n]
  Tensor alive;   // [T + 1, n]
};

/// Pushes that last a few steps: pure noise would hardly move the cart.
Tensor random_pushes(int64_t steps, int64_t n) {
  std::vector<Tensor> pushes{torch::randn({n}).sign()};
  while (static_cast<int64_t>(pushes.size()) < steps) {
    const auto again = torch::rand({n}) < 0.5;
    pushes.push_back(torch::where(again, pushes.back(), torch::randn({n}).sign()));
  }
  return torch::stack(pushes);
}

Experience gather(int64_t steps, int64_t n) {
  Experience e;
  e.pushes = random_pushes(steps, n);
  CartPoles world(n, 20);
  std::vector<Tensor> seen{world.seen()}, alive{world.alive()};
  for (int64_t t = 0; t < steps; ++t) {
    world.push(e.pushes[t]);
    seen.push_back(world.seen());
    alive.push_back(world.alive());
  }
  e.seen = torch::stack(seen);
  e.alive = torch::stack(alive);
  return e;
}

/// Frames of poles that stand, as data of a VAE.
elbo::Data frames(const Experience& e) {
  elbo::Arrays arrays;
  arrays.x = e.seen.flatten(0, 1).index_select(0, e.alive.flatten().nonzero().flatten());
  arrays.schemas.x = {{2, CartPoles::kSide, CartPoles::kSide}, Kind::kUnit};
  return elbo::in_memory(std::move(arrays));
}

std::shared_ptr<elbo::Model> learn_to_see(const elbo::Data& data, int64_t steps) {
  auto spec = elbo::model_spec("vae");
  for (const auto* setting : {"latent.size=8", "encoder.type=mlp", "encoder.hidden=[256]",
                              "decoder.type=mlp", "decoder.hidden=[256]", "likelihood=bernoulli"}) {
    elbo::set_option(spec, setting);
  }
  spec = elbo::resolve(spec, data->schemas());
  const auto model = elbo::build(spec, data->schemas());
  const auto objective = elbo::build_objective(spec, data->schemas(), *model, data->size());
  elbo::Trainer(model, objective, {.steps = steps}).fit(data, nullptr);
  model->eval();
  return model;
}

Tensor code_of(elbo::Model& model, const Tensor& seen) {
  torch::NoGradGuard no_gradient;
  elbo::Batch batch;
  batch.x = seen;
  return model.infer(batch, 0).trace.code;
}

/// p(next code, still standing | codes and pushes so far): a gated unit remembers.
class Dream : public torch::nn::Module {
 public:
  Dream() {
    memory_ = register_module("memory", std::make_shared<elbo::GatedUnit>(kCode + 1, kMemory));
    next_ = register_module("next", std::make_shared<elbo::Dense>(kMemory, 2 * kCode + 1));
  }
  struct Step {
    Tensor memory, mean, log_deviation, stands;  // stands: a logit
  };
  Step forward(const Tensor& code, const Tensor& push, const Tensor& memory) {
    Step s;
    s.memory = memory_->forward(torch::cat({code, push.sign().unsqueeze(1)}, 1), memory);
    const auto out = next_->forward(s.memory);
    s.mean = code + out.narrow(1, 0, kCode);
    s.log_deviation = out.narrow(1, kCode, kCode).clamp(-5, 1);
    s.stands = out.select(1, 2 * kCode);
    return s;
  }

 private:
  std::shared_ptr<elbo::GatedUnit> memory_;
  std::shared_ptr<elbo::Dense> next_;
};

/// -log p of the codes [T + 1, n, d] and of standing, per step.
Tensor surprise(Dream& dream, const Tensor& codes, const Experience& e) {
  auto memory = torch::zeros({codes.size(1), kMemory});
  auto total = torch::zeros({});
  for (int64_t t = 0; t < e.pushes.size(0); ++t) {
    const auto s = dream.forward(codes[t], e.pushes[t], memory);
    memory = s.memory;
    const auto gap = (codes[t + 1] - s.mean) * (-s.log_deviation).exp();
    const auto place = (0.5 * gap.square() + s.log_deviation).sum(1);
    const auto falls = torch::binary_cross_entropy_with_logits(s.stands, e.alive[t + 1], {}, {},
                                                               at::Reduction::None);
    total = total + (e.alive[t] * (falls + e.alive[t + 1] * place)).mean();
  }
  return total / e.pushes.size(0);
}

std::shared_ptr<Dream> learn_to_dream(elbo::Model& model, const Experience& e, int64_t steps) {
  std::vector<Tensor> parts;
  for (int64_t t = 0; t < e.seen.size(0); ++t) parts.push_back(code_of(model, e.seen[t]));
  const auto codes = torch::stack(parts);
  const auto dream = std::make_shared<Dream>();
  std::vector<std::pair<std::string, Tensor>> named;
  for (const auto& p : dream->named_parameters()) named.emplace_back(p.key(), p.value());
  elbo::FlatParameters flat(named);
  elbo::Optimizer optimizer(flat);
  for (int64_t step = 1; step <= steps; ++step) {
    const auto rows = torch::randint(codes.size(1), {64}, torch::kInt64);
    const Experience some{Tensor(), e.pushes.index_select(1, rows), e.alive.index_select(1, rows)};
    const auto loss = surprise(*dream, codes.index_select(1, rows), some);
    loss.backward();
    flat.attach();
    optimizer.step(flat, flat.spans(), {.lr = 2e-3, .clip = 1}, step);
    if (step % 200 == 0)
      std::cout << "  dream, step " << step << ": " << loss.item<double>() << "\n";
  }
  return dream;
}

/// [n] pushes of linear controllers: weights [n, code + memory + 1], or one for all.
Tensor pushes_of(const Tensor& weights, const Tensor& code, const Tensor& memory) {
  const auto ones = torch::ones({code.size(0), 1});
  return (torch::cat({code, memory, ones}, 1) * weights).sum(1);
}

/// [n] how long poles stand in the dream, begun at `start` [n, code]. What comes next is drawn a
/// little wider than the dream thinks: a controller must not live on its errors.
Tensor dreamt_returns(Dream& dream, const Tensor& weights, const Tensor& start) {
  constexpr double kWider = 1.2;
  torch::NoGradGuard no_gradient;
  auto code = start, memory = torch::zeros({start.size(0), kMemory});
  auto stands = torch::ones({start.size(0)}), total = torch::zeros({start.size(0)});
  for (int64_t t = 0; t < kLongest; ++t) {
    const auto s = dream.forward(code, pushes_of(weights, code, memory), memory);
    memory = s.memory;
    code = s.mean + kWider * s.log_deviation.exp() * torch::randn_like(code);
    stands = stands * s.stands.sigmoid();
    total = total + stands;
  }
  return total;
}

/// The cross-entropy method: of many controllers the best few say where to look next.
Tensor learn_to_act(Dream& dream, const Tensor& starts, int64_t generations) {
  constexpr int64_t kTried = 96, kKept = 12, kDreams = 12;
  const int64_t size = kCode + kMemory + 1;
  auto mean = torch::zeros({size}), deviation = torch::ones({size});
  for (int64_t g = 1; g <= generations; ++g) {
    const auto tried = mean + deviation * torch::randn({kTried, size});
    const auto rows = torch::randint(starts.size(0), {kTried * kDreams}, torch::kInt64);
    const auto returns =
        dreamt_returns(dream, tried.repeat_interleave(kDreams, 0), starts.index_select(0, rows))
            .view({kTried, kDreams})
            .mean(1);
    const auto best = std::get<1>(returns.topk(kKept));
    const auto kept = tried.index_select(0, best);
    mean = kept.mean(0);
    deviation = kept.std(0, false) + 0.1 / static_cast<double>(g);
    if (g % 10 == 0) {
      std::cout << "  controllers, generation " << g << ": " << returns.mean().item<double>()
                << " dreamt steps\n";
    }
  }
  return mean;
}

/// Mean steps that poles stand in the real world; undefined weights push at random.
double real_return(elbo::Model& model, Dream& dream, const Tensor& weights, int64_t n) {
  torch::NoGradGuard no_gradient;
  CartPoles world(n, 1);
  auto memory = torch::zeros({n, kMemory}), total = torch::zeros({n});
  for (int64_t t = 0; t < kLongest; ++t) {
    Tensor push = torch::randn({n});
    if (weights.defined()) {
      const auto code = code_of(model, world.seen());
      push = pushes_of(weights, code, memory);
      memory = dream.forward(code, push, memory).memory;
    }
    world.push(push);
    total = total + world.alive();
  }
  return total.mean().item<double>();
}

/// Twelve moments of one cart-pole, and what the dream makes of the first and the same pushes.
void write_strip(elbo::Model& model, Dream& dream, const Tensor& weights) {
  constexpr int64_t kMoments = 12, kBetween = 4;
  torch::NoGradGuard no_gradient;
  CartPoles world(1, 3);
  auto dreamt = code_of(model, world.seen());
  auto memory = torch::zeros({1, kMemory}), dreamt_memory = memory;
  std::vector<Tensor> real, imagined;
  for (int64_t t = 0; t < kMoments * kBetween; ++t) {
    if (t % kBetween == 0) {
      real.push_back(world.seen().narrow(1, 1, 1));
      imagined.push_back(model.decode(dreamt)->mean().narrow(1, 1, 1));
    }
    const auto code = code_of(model, world.seen());
    const auto push = pushes_of(weights, code, memory);
    memory = dream.forward(code, push, memory).memory;
    const auto s = dream.forward(dreamt, push, dreamt_memory);
    dreamt = s.mean;
    dreamt_memory = s.memory;
    world.push(push);
  }
  real.insert(real.end(), imagined.begin(), imagined.end());
  elbo::write_png("world_model.png", elbo::image_grid(torch::cat(real), kMoments));
}

}  // namespace

int main(int argc, char** argv) {
  elbo::seed_torch(0);
  const bool brief = argc > 1;
  const int64_t steps = brief ? std::atoll(argv[1]) : 2000;
  const auto experience = gather(40, brief ? 100 : 1500);
  const auto model = learn_to_see(frames(experience), steps);
  const auto dream = learn_to_dream(*model, experience, steps);
  const auto starts = code_of(*model, CartPoles(256, 3).seen());
  const auto weights = learn_to_act(*dream, starts, brief ? 2 : 60);
  const int64_t tries = brief ? 10 : 200;
  const double random = real_return(*model, *dream, Tensor(), tries),
               dreamt = real_return(*model, *dream, weights, tries);
  write_strip(*model, *dream, weights);
  std::cout << "the pole stands for " << random << " steps with random pushes, for " << dreamt
            << " of at most " << kLongest << " with the controller that the dream trained\n";
  return std::isfinite(dreamt) ? 0 : 1;
}

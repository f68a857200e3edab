#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include <cmath>

#include "elbo/data/open.h"
#include "elbo/train/trainer.h"

namespace elbo {
namespace {

Json small_spec() {
  Json spec = default_spec();
  spec["latent"] = {{"type", "flat"}, {"size", 3}};
  spec["encoder"] = spec["decoder"] = {{"type", "mlp"}, {"hidden", {16}}};
  return spec;
}

struct Session {
  Data data, validation;
  std::shared_ptr<Model> model;
  std::unique_ptr<Trainer> trainer;
  std::vector<std::string> log;

  Session(TrainOptions options, const Json& spec = small_spec()) {
    DataOptions reading;
    reading.rows = 300;
    std::tie(data, validation) =
        split_validation(open_data("builtin:codes", reading), options.validation, options.seed);
    torch::manual_seed(options.seed);
    const auto made = assemble(spec, data->schemas(), data->size());
    model = made.model;
    trainer = std::make_unique<Trainer>(model, made.objective, options);
  }
  Trainer::End fit(Trainer::Hooks hooks = {}) {
    hooks.on_log = [this](const Json& line) { log.push_back(line.dump()); };
    return trainer->fit(data, validation, hooks);
  }
};

TrainOptions short_training() {
  TrainOptions options;
  options.epochs = 4;
  options.batch = 32;
  options.average = 0.9;
  options.lr = Schedule("cosine(0.01, 0, 4e)").in_steps(8);
  options.log_every = 3;
  return options;
}

TEST_CASE("a resumed training logs what an uninterrupted one logs, to the last bit") {
  Session whole(short_training());
  whole.fit();
  for (const int64_t stop : {1, 11, 16}) {
    Session first(short_training());
    Trainer::Hooks hooks;
    hooks.on_step = [&](const Progress& p) { return p.step < stop; };
    CHECK(first.fit(hooks) == Trainer::End::stopped);
    // Before anything else draws: the state holds torch's own stream.
    const auto state = first.trainer->state();
    Session second(short_training());
    second.trainer->restore(state);
    second.log = first.log;
    CHECK(second.fit() == Trainer::End::finished);
    CHECK(second.log == whole.log);
  }
}

TEST_CASE("the same seed gives the same log, another seed another") {
  Session a(short_training()), b(short_training());
  a.fit();
  b.fit();
  CHECK(a.log == b.log);
  auto options = short_training();
  options.seed = 1;
  Session c(options);
  c.fit();
  CHECK(c.log != a.log);
}

TEST_CASE("a second thread, which helps with small steps, changes no number") {
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  Session alone(short_training());
  alone.fit();
  at::set_num_threads(2);
  Session helped(short_training());
  helped.fit();
  at::set_num_threads(threads);
  CHECK(helped.log == alone.log);
}

TEST_CASE("training lowers the loss, and the log holds every term for both parts") {
  auto options = short_training();
  options.epochs = 30;
  options.log_every = 0;
  options.lr = 0.01;
  Session s(options);
  s.fit();
  const auto first = Json::parse(s.log.front()), last = Json::parse(s.log.back());
  CHECK(last["validation"]["loss"].get<double>() < first["validation"]["loss"].get<double>() - 1);
  for (const char* term : {"loss", "reconstruction", "kl"}) {
    CHECK(last["train"].contains(term));
    CHECK(last["validation"].contains(term));
  }
}

TEST_CASE("a loss that is not finite rolls back once, then stops and names a tensor") {
  auto options = short_training();
  options.log_every = 0;
  Session s(options);
  std::string note;
  int64_t broken = 0;
  Trainer::Hooks hooks;
  hooks.on_note = [&](const std::string& text) { note = text; };
  hooks.on_step = [&](const Progress& p) {
    if (p.step == 12 && broken < 1) {
      ++broken;
      torch::NoGradGuard no_gradient;
      s.model->decoder->parameters().back().fill_(std::nan(""));
    }
    return true;
  };
  CHECK(s.fit(hooks) == Trainer::End::finished);
  CHECK(note.find("parameter decoder") != std::string::npos);
  CHECK(note.find("step") != std::string::npos);
  for (const auto& p : s.model->parameters()) CHECK(p.isfinite().all().item<bool>());

  Session t(options);
  hooks.on_step = [&](const Progress& p) {
    torch::NoGradGuard no_gradient;
    if (p.step == 12) t.model->decoder->parameters().back().fill_(std::nan(""));
    return true;
  };
  CHECK_THROWS_WITH_AS(t.fit(hooks), doctest::Contains("parameter decoder"), Error);
}

TEST_CASE("early stopping waits for as many epochs as it is told") {
  auto options = short_training();
  options.epochs = 50;
  options.lr = 0.0;  // nothing ever gets better
  options.average = 0;
  options.patience = 3;
  options.log_every = 0;
  Session s(options);
  CHECK(s.fit() == Trainer::End::early);
  CHECK(s.log.size() == 4);
}

TEST_CASE("weights are kept of the best epoch, or of each so that the last one stays") {
  for (const auto& [keep, expected] : {std::pair{"best", 1}, std::pair{"last", 3}}) {
    auto options = short_training();
    options.epochs = 3;
    options.lr = 0.0;
    options.average = 0;
    options.keep = keep;
    Session s(options);
    int kept = 0;
    Trainer::Hooks hooks;
    hooks.on_keep = [&] { ++kept; };
    s.fit(hooks);
    CHECK(kept == expected);
  }
}

TEST_CASE("Adam, AdamW and Adamax follow their published updates") {
  for (const std::string rule : {"adam", "adamw", "adamax"}) {
    auto p = torch::tensor({1.0f, -2.0f, 3.0f}).requires_grad_();
    FlatParameters flat({{"p", p}});
    Optimizer optimizer(flat);
    StepSettings s;
    s.rule = rule;
    s.lr = 0.1;
    s.weight_decay = 0.01;
    std::vector<double> x{1, -2, 3}, m(3, 0), v(3, 0);
    for (int64_t t = 1; t <= 5; ++t) {
      for (int i = 0; i < 3; ++i) {
        double g = std::cos(x[i]) * (i + 1);  // gradient of (i+1) sin(x)
        flat.gradients[i] = g;
        if (rule != "adamw") g += 0.01 * x[i];
        m[i] = 0.9 * m[i] + 0.1 * g;
        if (rule == "adamax") {
          v[i] = std::max(0.999 * v[i], std::abs(g) + 1e-8);
          x[i] -= 0.1 / (1 - std::pow(0.9, t)) * m[i] / v[i];
          continue;
        }
        v[i] = 0.999 * v[i] + 0.001 * g * g;
        const double decay = rule == "adamw" ? 0.1 * 0.01 * x[i] : 0;
        x[i] -= decay + 0.1 * (m[i] / (1 - std::pow(0.9, t))) /
                            (std::sqrt(v[i] / (1 - std::pow(0.999, t))) + 1e-8);
      }
      optimizer.step(flat, flat.spans(), s);
      CHECK(flat.gradients.abs().sum().item<float>() == 0);
    }
    for (int i = 0; i < 3; ++i) CHECK(p[i].item<double>() == doctest::Approx(x[i]).epsilon(1e-4));
  }
}

TEST_CASE("clipping scales the whole gradient, and only the given spans move") {
  auto a = torch::zeros({4}), b = torch::zeros({4});
  FlatParameters flat({{"a", a}, {"b", b}});
  Optimizer optimizer(flat);
  flat.gradients.fill_(3);
  StepSettings s;
  s.clip = 1;
  const double norm = optimizer.step(flat, flat.spans_of({a}), s);
  CHECK(norm == doctest::Approx(6));
  CHECK(a.abs().min().item<float>() > 0);
  CHECK(b.abs().max().item<float>() == 0);
}

TEST_CASE("validation rows are apart from training rows and depend on the seed alone") {
  const auto data = open_data("builtin:codes", DataOptions{});
  const auto [train, held] = split_validation(data, 0.25, 7);
  CHECK(train->size() + held->size() == data->size());
  const auto again = split_validation(data, 0.25, 7).second;
  CHECK(held->get(torch::arange(9)).x.equal(again->get(torch::arange(9)).x));
  CHECK_THROWS_AS(split_validation(data, 1e9, 7), Error);
}

}  // namespace
}  // namespace elbo

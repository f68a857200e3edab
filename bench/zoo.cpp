// Every model of the zoo: rows per second of training as it is, and of the same model on plain
// libtorch (its operations alone, torch::optim::Adam) on batches that lie ready. A Markdown table.
//   bench_zoo [SECONDS_PER_MODEL] [MODEL…]
#include <torch/optim/adam.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "elbo/host/cpu.h"
#include "elbo/data/builtin.h"
#include "elbo/kernels/choice.h"
#include "elbo/train/plan.h"

namespace {

using namespace elbo;

constexpr int64_t kRows = 2048, kSteps = 2;  // steps: the least that is timed
constexpr int kTurns = 3;
// A model is measured on the first of these that it takes.
const std::vector<std::string> kData{"digits", "census", "telemetry", "sentences", "molecules"};

/// A model before training, on made data.
struct Entry {
  Data data;
  TrainOptions options;
  std::shared_ptr<Model> model;
  std::shared_ptr<Objective> objective;

  Entry(const std::string& name, const Data& rows) : data(rows) {
    auto spec = model_spec(name);
    options = read_options<TrainOptions>(spec.value("train", Json::object()), "train");
    spec.erase("train");
    const auto schemas = data->schemas();
    auto resolved = resolve(spec, schemas);
    resolve_epochs(resolved, static_cast<double>(kRows) / static_cast<double>(options.batch));
    RandomScope scope(1);
    model = build(resolved, schemas);
    objective = build_objective(resolved, schemas, *model, kRows);
  }
};

double seconds_of(const std::function<void()>& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The product's own loop.
double trained(Entry& entry, int64_t steps) {
  entry.options.steps = steps;
  Trainer trainer(entry.model, entry.objective, entry.options);
  return seconds_of([&] { trainer.fit(entry.data, nullptr); });
}

/// What one would write with libtorch.
class Plain {
 public:
  explicit Plain(Entry& entry) : entry_(entry), players_(entry.objective->players(*entry.model)) {
    for (const auto& player : players_) {
      optimizers_.push_back(
          std::make_unique<torch::optim::Adam>(player.parameters, torch::optim::AdamOptions(1e-3)));
    }
    batch_ = entry.data->get(torch::arange(entry.options.batch));
  }
  double trained(int64_t steps) {
    const PlainOperations plain;
    return seconds_of([&] {
      for (int64_t i = 0; i < steps; ++i, ++step_) step();
    });
  }

 private:
  void step() {
    for (size_t i = 0; i < players_.size(); ++i) {
      for (auto& optimizer : optimizers_) optimizer->zero_grad();
      const auto terms = entry_.objective->loss(players_[i].name, *entry_.model, batch_, step_);
      if (!terms.loss.defined()) continue;
      terms.loss.backward();
      optimizers_[i]->step();
    }
  }

  Entry& entry_;
  std::vector<Player> players_;
  std::vector<std::unique_ptr<torch::optim::Adam>> optimizers_;
  Batch batch_;
  int64_t step_ = 0;
};

double median(std::vector<double> numbers) {
  std::nth_element(numbers.begin(), numbers.begin() + numbers.size() / 2, numbers.end());
  return numbers[numbers.size() / 2];
}

struct Line {
  std::string data;
  double rows = 0, plain = 0;  // per second
};

Line measure(const std::string& data, Entry& own, Entry& other, double seconds) {
  Plain plain(other);
  trained(own, kSteps);
  plain.trained(kSteps);
  // Both run for as long, whatever they do meanwhile: turns of equal length share the noise.
  const double turn = seconds / (2 * kTurns);
  const auto steps = [&](double taken) {
    return std::max(kSteps, static_cast<int64_t>(kSteps * turn / taken));
  };
  const int64_t own_steps = steps(trained(own, kSteps)), plain_steps = steps(plain.trained(kSteps));
  std::vector<double> own_rates, plain_rates;
  for (int i = 0; i < kTurns; ++i) {
    own_rates.push_back(static_cast<double>(own_steps) / trained(own, own_steps));
    plain_rates.push_back(static_cast<double>(plain_steps) / plain.trained(plain_steps));
  }
  const auto batch = static_cast<double>(own.options.batch);
  return {data, batch * median(own_rates), batch * median(plain_rates)};
}

/// On the first data that the model takes.
Line measure(const std::string& name, double seconds) {
  std::string refusals;
  for (const auto& data : kData) {
    DataOptions options;
    options.rows = kRows;
    try {
      const auto rows = open_data("builtin:" + data, options);
      Entry own(name, rows), other(name, rows);
      return measure(data, own, other, seconds);
    } catch (const Error& refusal) {
      refusals += std::string("; ") + refusal.what();
    }
  }
  throw Error("[bench] " + name + " takes none of the data" + refusals);
}

}  // namespace

int main(int argc, char** argv) {
  prepare_cpu(argv);
  const double seconds = argc > 1 ? std::atof(argv[1]) : 4;
  std::vector<std::string> names(argv + std::min(argc, 2), argv + argc);
  if (names.empty()) {
    for (const auto& entry : zoo()) names.push_back(entry.name);
  }
  std::printf("| model | data | rows/s | on plain libtorch | ratio |\n");
  std::printf("| --- | --- | --- | --- | --- |\n");
  double lowest = INFINITY;
  std::string at;
  for (const auto& name : names) {
    const auto line = measure(name, seconds);
    const double ratio = line.rows / line.plain;
    std::printf("| %s | %s | %.0f | %.0f | %.2f |\n", name.c_str(), line.data.c_str(), line.rows,
                line.plain, ratio);
    std::fflush(stdout);
    if (ratio < lowest) {
      lowest = ratio;
      at = name;
    }
  }
  std::printf("\nlowest ratio: %.2f (%s)\n", lowest, at.c_str());
  return 0;
}

// Data of one's own: a Dataset of three methods. This one computes its rows when they are asked
// for, so it needs no memory; a reader of files or of a database has the same shape.
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <numbers>

#include "elbo/train/trainer.h"

namespace {

/// Row r is a wave of 64 samples, whose frequency and phase are drawn at r.
class Waves : public elbo::Dataset {
 public:
  int64_t size() const override { return 5000; }

  elbo::Batch get(const elbo::Tensor& rows, const elbo::Draw&) const override {
    const auto cycles = torch::empty({rows.size(0), 1});
    const auto phase = torch::empty({rows.size(0), 1});
    const auto* row = rows.data_ptr<int64_t>();
    for (int64_t i = 0; i < rows.size(0); ++i) {
      cycles.data_ptr<float>()[i] = 1 + 2 * static_cast<float>(elbo::uniform_at(kKey, 2 * row[i]));
      phase.data_ptr<float>()[i] = static_cast<float>(elbo::uniform_at(kKey, 2 * row[i] + 1));
    }
    elbo::Batch batch;
    batch.x = torch::sin(2 * std::numbers::pi * (cycles * torch::linspace(0, 1, 64) + phase));
    return batch;  // x: [rows, 64]
  }

  elbo::Schemas schemas() const override {
    elbo::Schemas schemas;
    schemas.x = {{64}, Kind::kReal};
    return schemas;
  }

 private:
  static constexpr uint64_t kKey = 7;
};

}  // namespace

int main(int argc, char** argv) {
  const auto data = std::make_shared<Waves>();
  const auto [train, validation] = elbo::split_validation(data, 0.1, 0);
  const auto spec = elbo::resolve(elbo::model_spec("vae"), data->schemas());
  const auto model = elbo::build(spec, data->schemas());
  const auto objective = elbo::build_objective(spec, data->schemas(), *model, train->size());
  elbo::Trainer trainer(model, objective,
                        {.epochs = 20, .steps = argc > 1 ? std::atoll(argv[1]) : 0});
  trainer.fit(train, validation);

  torch::NoGradGuard no_grad;
  model->eval();
  const auto batch = validation->get(torch::arange(200));
  const auto error = (model->infer(batch, 0).x->mean() - batch.x).pow(2).mean().item<double>();
  std::cout << "mean square error of reconstructions " << error << ", of the mean wave "
            << batch.x.var(0).mean().item<double>() << "\n";
  return std::isfinite(error) ? 0 : 1;
}

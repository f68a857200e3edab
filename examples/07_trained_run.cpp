// Trains a run as `elbo train` does, then opens it as any later program does: codes,
// reconstructions and samples of the trained model. An argument gives the number of training steps.
#include <cstdlib>
#include <iostream>

#include "elbo/train.h"

namespace {

void train(const std::string& folder, long long steps) {
  elbo::TrainRequest request;
  request.data = "builtin:digits";
  request.data_options = {{"rows", 2000}};
  request.train_options = {{"steps", steps}};
  const auto plan = elbo::plan_training(request);
  auto run = elbo::Run::create(folder, plan.facts, plan.schemas, /*force=*/true);
  elbo::fit(run, {});
}

}  // namespace

int main(int argc, char** argv) {
  const std::string folder = "trained-run";
  train(folder, argc > 1 ? std::atoll(argv[1]) : 200);

  const auto run = elbo::Run::open(folder);
  const auto model = run.load();  // in evaluation mode
  std::string which;
  const auto rows = run.held_out(&which);
  const auto batch = rows->get(torch::arange(16));

  torch::NoGradGuard no_grad;
  const auto seen = model->infer(batch, 0);         // 0 draws: posterior means
  const auto codes = seen.trace.sites.at(0).value;  // [16, d]
  const auto rebuilt = seen.x->mean();              // [16, 1, 28, 28]
  const auto between = (codes[0] + codes[1]).unsqueeze(0) / 2;
  const auto middle = model->generate(1, {}, {{"z", between}}).x->mean();
  const auto samples = model->generate(8).x->mean();
  std::cout << "codes of " << which << " rows " << codes.sizes() << ", squared error "
            << (rebuilt - batch.x).square().mean().item<double>() << ", between two rows "
            << middle.sizes() << ", samples " << samples.sizes() << "\n";
}

#include "elbo/eval/row_cells.h"

namespace elbo {

bool are_cells(const Schema& x) { return x.shape.size() == 1 && x.kind != Kind::kToken; }

Tensor cells_of(const Dataset& data, const Draw& draw) {
  constexpr int64_t kRows = 4096;
  std::vector<Tensor> parts;
  for_each_batch(data, kRows, draw, [&](const Batch& batch, int64_t) {
    parts.push_back(observed(batch).to(torch::kCPU, torch::kFloat32));
  });
  return torch::cat(parts);
}

}  // namespace elbo

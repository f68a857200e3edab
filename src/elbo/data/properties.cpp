#include <cmath>
#include <limits>

#include "elbo/chem/molecule.h"
#include "elbo/data/molecules.h"
#include "elbo/kernels/parallel.h"

namespace elbo {

Schema property_schema(const Tensor& values, const std::vector<std::string>& names) {
  const auto known = values.isnan().logical_not();
  const auto n = known.sum(0).clamp_min(1);
  const auto filled = values.nan_to_num(0).to(torch::kFloat64);
  const auto loc = filled.sum(0) / n;  // [k]
  const auto off = (filled - loc).masked_fill(known.logical_not(), 0);
  const auto scale = (off.square().sum(0) / n).sqrt();
  Schema schema{{values.size(1)}, Kind::kReal, Json::object()};
  for (int64_t i = 0; i < values.size(1); ++i) {
    const double deviation = scale[i].item<double>();
    schema.detail["loc"].push_back(loc[i].item<double>());
    schema.detail["scale"].push_back(deviation > 1e-9 ? deviation : 1.0);
  }
  schema.detail["columns"] = names;
  return schema;
}

std::vector<std::string> property_names(const Schema& target) {
  return target.detail.value("columns", std::vector<std::string>{});
}

Tensor computed_properties(const std::vector<std::string>& smiles,
                           const std::vector<std::string>& names) {
  const auto n = static_cast<int64_t>(smiles.size()), k = static_cast<int64_t>(names.size());
  auto values = torch::full({n, k}, std::numeric_limits<float>::quiet_NaN());
  auto* out = values.data_ptr<float>();
  kernels::over_ranges(0, n, 64, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      const auto molecule = Molecule::read(smiles[static_cast<size_t>(i)]);
      for (int64_t j = 0; molecule && j < k; ++j) {
        out[i * k + j] = static_cast<float>(molecule->property(names[static_cast<size_t>(j)]));
      }
    }
  });
  return values;
}

}  // namespace elbo

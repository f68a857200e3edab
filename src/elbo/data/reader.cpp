#include "elbo/data/reader.h"

#include <algorithm>

namespace elbo {

Data with_binarization(Data data, const DataOptions& options, const std::string& automatic) {
  return binarized(std::move(data), options.binarize == "auto" ? automatic : options.binarize);
}

void refuse_resize(const DataOptions& options, const std::string& where) {
  check(options.resize.empty(), "[", where, "] resize: ", options.resize,
        " asked for, only images can be resized");
}

void refuse_test(const DataOptions& options, const std::string& where) {
  check(options.split != "test", "[", where,
        "] split: the source has no test part of its own; allowed: train, all");
}

int64_t kept_rows(const DataOptions& options, int64_t found) {
  return options.rows > 0 ? std::min(options.rows, found) : found;
}

Schema real_schema(const Tensor& x) {
  // Two passes in double: the squares of large values far from zero would cancel.
  const auto columns = x.flatten(1).to(torch::kFloat64);
  const auto loc = columns.mean(0);
  const auto deviation = (columns - loc).square().mean(0).sqrt();
  const auto rounding = 1e-7 * loc.abs();
  const auto scale = torch::where(deviation > rounding, deviation, torch::ones_like(deviation));
  const auto list = [](const Tensor& t) {
    return std::vector<double>(t.data_ptr<double>(), t.data_ptr<double>() + t.numel());
  };
  Schema schema{{x.sizes().begin() + 1, x.sizes().end()}, "real", Json::object()};
  schema.detail["loc"] = list(loc.contiguous());
  schema.detail["scale"] = list(scale.contiguous());
  return schema;
}

Schema category_schema(const std::vector<std::string>& classes) {
  return {{}, "category", {{"classes", classes}}};
}

}  // namespace elbo

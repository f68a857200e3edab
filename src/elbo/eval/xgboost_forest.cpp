#include <xgboost/c_api.h>

#include <limits>
#include <memory>

#include "elbo/core/error.h"
#include "elbo/eval/boosted_forest.h"

namespace elbo {
namespace {

constexpr int kRounds = 100;

void must(int status) { check(status == 0, "[trees] XGBoost: ", XGBGetLastError()); }

struct FreeMatrix {
  void operator()(void* handle) const { XGDMatrixFree(handle); }
};
struct FreeBooster {
  void operator()(void* handle) const { XGBoosterFree(handle); }
};
using MatrixHandle = std::unique_ptr<void, FreeMatrix>;
using Booster = std::unique_ptr<void, FreeBooster>;

MatrixHandle matrix_of(const Tensor& x) {
  const auto values = x.to(torch::kFloat32).contiguous();
  DMatrixHandle handle = nullptr;
  must(XGDMatrixCreateFromMat(values.data_ptr<float>(), static_cast<bst_ulong>(values.size(0)),
                              static_cast<bst_ulong>(values.size(1)),
                              std::numeric_limits<float>::quiet_NaN(), &handle));
  return MatrixHandle(handle);
}

/// The first guess is the one that early versions had by default, the mean where it is a number.
Booster booster_for(const MatrixHandle& data, int64_t classes, double mean) {
  BoosterHandle handle = nullptr;
  const DMatrixHandle seen[] = {data.get()};
  must(XGBoosterCreate(seen, 1, &handle));
  Booster booster(handle);
  const auto set = [&](const char* name, const std::string& value) {
    must(XGBoosterSetParam(booster.get(), name, value.c_str()));
  };
  set("objective", classes == 0   ? "reg:squarederror"
                   : classes == 2 ? "binary:logistic"
                                  : "multi:softprob");
  if (classes > 2) set("num_class", std::to_string(classes));
  set("base_score", classes == 0 ? std::to_string(mean) : "0.5");
  set("max_depth", "6");
  set("eta", "0.3");
  set("tree_method", "hist");
  set("nthread", "1");
  set("seed", "0");
  set("verbosity", "0");
  return booster;
}

Tensor forest_output(const Booster& booster, const MatrixHandle& rows, int64_t classes) {
  const auto* how =
      R"({"type":0,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":true})";
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* values = nullptr;
  must(XGBoosterPredictFromDMatrix(booster.get(), rows.get(), how, &shape, &dimensions, &values));
  int64_t count = 1;
  for (bst_ulong i = 0; i < dimensions; ++i) count *= static_cast<int64_t>(shape[i]);
  const auto found = torch::from_blob(const_cast<float*>(values), {count}).to(torch::kFloat64);
  if (classes == 0) return found.clone();
  if (classes == 2) return torch::stack({1 - found, found}, 1);
  return found.view({-1, classes}).clone();
}

/// Features are named f0, f1, …; those without a split are left out.
Tensor gain_shares(const Booster& booster, int64_t features) {
  bst_ulong found = 0, dimensions = 0;
  const char** names = nullptr;
  const bst_ulong* shape = nullptr;
  const float* scores = nullptr;
  must(XGBoosterFeatureScore(booster.get(), R"({"importance_type":"total_gain"})", &found, &names,
                             &dimensions, &shape, &scores));
  const auto gain = torch::zeros({features}, torch::kFloat64);
  for (bst_ulong i = 0; i < found; ++i) gain[std::stoll(names[i] + 1)] = scores[i];
  const double sum = gain.sum().item<double>();
  return sum > 0 ? gain / sum : gain;
}

}  // namespace

std::string forest_library() {
  int major = 0, minor = 0, patch = 0;
  XGBoostVersion(&major, &minor, &patch);
  return "xgboost " + std::to_string(major) + "." + std::to_string(minor) + "." +
         std::to_string(patch);
}

BoostedForest boost_forest(const Tensor& x, const Tensor& y, const Tensor& judged,
                           int64_t classes) {
  const auto data = matrix_of(x);
  const auto labels = y.to(torch::kFloat32).contiguous();
  must(XGDMatrixSetFloatInfo(data.get(), "label", labels.data_ptr<float>(),
                             static_cast<bst_ulong>(labels.numel())));
  const auto booster = booster_for(data, classes, labels.to(torch::kFloat64).mean().item<double>());
  for (int round = 0; round < kRounds; ++round) {
    must(XGBoosterUpdateOneIter(booster.get(), round, data.get()));
  }
  return {forest_output(booster, matrix_of(judged), classes), gain_shares(booster, x.size(1))};
}

}  // namespace elbo

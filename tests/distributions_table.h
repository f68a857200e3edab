#pragma once

#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "elbo/core/options.h"
#include "elbo/distributions/columns.h"
#include "elbo/distributions/composite.h"
#include "elbo/distributions/continuous.h"
#include "elbo/distributions/discrete.h"

// The distributions that the contract tests run over.

namespace elbo {

using Parameters = std::map<std::string, Tensor>;

enum class Support { kReal, kUnit, kPositive, kCount, kClass, kLevel, kBit };

struct Member {
  std::string name;
  Support support;
  std::vector<std::string> positive;  // parameters that must be above 0
  std::function<Dist(Parameters)> make;
};

inline const std::vector<Member>& kinds() {
  static const std::vector<Member> table = {
      {"normal",
       Support::kReal,
       {"scale"},
       [](Parameters p) { return checked::normal(p["loc"], p["scale"]); }},
      {"laplace",
       Support::kReal,
       {"scale"},
       [](Parameters p) { return checked::laplace(p["loc"], p["scale"]); }},
      {"logistic",
       Support::kReal,
       {"scale"},
       [](Parameters p) { return checked::logistic(p["loc"], p["scale"]); }},
      {"student",
       Support::kReal,
       {"df", "scale"},
       [](Parameters p) { return checked::student(p["df"], p["loc"], p["scale"]); }},
      {"uniform",
       Support::kReal,
       {},
       [](Parameters p) { return checked::uniform(p["low"], p["high"]); }},
      {"beta",
       Support::kUnit,
       {"alpha", "beta"},
       [](Parameters p) { return checked::beta(p["alpha"], p["beta"]); }},
      {"gamma",
       Support::kPositive,
       {"concentration", "rate"},
       [](Parameters p) { return checked::gamma(p["concentration"], p["rate"]); }},
      {"bernoulli",
       Support::kBit,
       {},
       [](Parameters p) { return checked::bernoulli(p["logits"]); }},
      {"continuous_bernoulli",
       Support::kUnit,
       {},
       [](Parameters p) { return checked::continuous_bernoulli(p["logits"]); }},
      {"categorical",
       Support::kClass,
       {},
       [](Parameters p) { return checked::categorical(p["logits"]); }},
      {"poisson",
       Support::kCount,
       {"rate"},
       [](Parameters p) { return checked::poisson(p["rate"]); }},
      {"negative_binomial",
       Support::kCount,
       {"mean", "total"},
       [](Parameters p) { return checked::negative_binomial(p["mean"], p["total"]); }},
      {"zero_negative_binomial",
       Support::kCount,
       {"mean", "total"},
       [](Parameters p) {
         return checked::zero_inflated(p["logits"],
                                       checked::negative_binomial(p["mean"], p["total"]), true);
       }},
      {"log_normal",
       Support::kPositive,
       {"scale"},
       [](Parameters p) { return checked::log_normal(p["loc"], p["scale"]); }},
      {"rounded_logistic",
       Support::kCount,
       {"scale"},
       [](Parameters p) { return checked::rounded_logistic(p["loc"], p["scale"]); }},
      {"discretized_logistic",
       Support::kLevel,
       {"scale"},
       [](Parameters p) { return checked::discretized_logistic(p["loc"], p["scale"]); }},
      {"mixture", Support::kReal, {"scale"}, [](Parameters p) {
         return checked::mixture(p["logits"], checked::normal(p["loc"], p["scale"]), 0);
       }}};
  return table;
}

inline Json golden(const std::string& file) {
  std::ifstream in(std::string(ELBO_SOURCE_DIR) + "/tests/golden/" + file);
  check(in.good(), "[golden] ", file, ": not found");
  return Json::parse(in);
}

/// A JSON list, or list of lists, of numbers.
inline Tensor to_tensor(const Json& j) {
  if (j.is_number()) return torch::tensor(j.get<double>(), torch::kFloat64);
  std::vector<Tensor> rows;
  for (const auto& item : j) rows.push_back(to_tensor(item));
  return torch::stack(rows);
}

inline Parameters to_parameters(const Json& j, torch::ScalarType type = torch::kFloat64) {
  Parameters out;
  for (const auto& [name, values] : j.items()) out[name] = to_tensor(values).to(type);
  return out;
}

/// The parameter points of a golden entry one by one.
inline std::vector<Parameters> points(const Json& entry) {
  const auto all = to_parameters(entry.at("parameters"));
  std::vector<Parameters> out(all.begin()->second.size(0));
  for (size_t i = 0; i < out.size(); ++i) {
    for (const auto& [name, values] : all) out[i][name] = values[static_cast<int64_t>(i)];
  }
  return out;
}

/// x column by column against the parameter points in rows.
inline Tensor golden_x(const Json& entry) { return to_tensor(entry.at("x")).unsqueeze(1); }

}  // namespace elbo

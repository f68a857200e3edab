#include "elbo/train/means.h"

#include <algorithm>

#include "elbo/core/light.h"
#include "elbo/group/group.h"

namespace elbo {

std::vector<std::pair<std::string, double>> numbers(const Terms& terms) {
  std::vector<std::pair<std::string, double>> list{{"loss", number_in(terms.loss)}};
  for (const auto& [name, value] : terms.parts) list.emplace_back(name, number_in(value));
  return list;
}

void Means::add(const std::vector<std::pair<std::string, double>>& terms, double weight) {
  for (size_t i = 0; i < terms.size(); ++i) {
    if (sums_.size() <= i) sums_.emplace_back(terms[i].first, 0.0);
    sums_[i].second += weight * terms[i].second;
  }
  weight_ += weight;
}

std::vector<std::pair<std::string, double>> Means::values() const {
  auto means = sums_;
  for (auto& [name, sum] : means) sum /= std::max(weight_, 1e-300);
  return means;
}

void Means::sum_over_group() {
  if (!group()) return;
  std::vector<double> all{weight_};
  for (const auto& term : sums_) all.push_back(term.second);
  const auto sum = torch::tensor(all, torch::kFloat64);
  group()->sum(sum);
  const auto* got = sum.data_ptr<double>();
  weight_ = got[0];
  for (size_t i = 0; i < sums_.size(); ++i) sums_[i].second = got[i + 1];
}

Json Means::save() const {
  Json sums = Json::array();
  for (const auto& [name, sum] : sums_) sums.push_back({name, sum});
  return {{"sums", sums}, {"weight", weight_}};
}

void Means::restore(const Json& saved) {
  clear();
  for (const auto& pair : saved.at("sums")) sums_.emplace_back(pair.at(0), pair.at(1));
  weight_ = saved.at("weight");
}

}  // namespace elbo

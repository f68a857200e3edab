#include "elbo/tasks/comparison.h"

#include <cmath>

#include "elbo/data/tokenizer.h"
#include "elbo/eval/edit_distance.h"

namespace elbo {
namespace {

class SquaredError : public Comparison {
 public:
  void add(const Batch& data, const Tensor& made) override {
    const auto seen = data.mask.defined() ? data.mask > 0 : torch::ones_like(data.x, torch::kBool);
    const auto error = torch::where(seen, (made - data.x).square(), torch::zeros({}));
    squares_ += error.sum().item<double>();
    cells_ += seen.sum().item<double>();
    rows_ += static_cast<double>(data.size());
  }
  Json figures() const override {
    return {{"squared_error_per_row", squares_ / std::max(rows_, 1.0)},
            {"root_mean_squared_error", std::sqrt(squares_ / std::max(cells_, 1.0))}};
  }

 private:
  double squares_ = 0, cells_ = 0, rows_ = 0;
};

class TextComparison : public Comparison {
 public:
  void add(const Batch& data, const Tensor& made) override { agreement_.add(data.x, made); }
  Json figures() const override {
    return {{"exact_match", agreement_.exact},
            {"token_accuracy", agreement_.accuracy},
            {"edit_distance", agreement_.distance},
            {"edited_share", agreement_.share}};
  }

 private:
  TokenAgreement agreement_;
};

}  // namespace

std::unique_ptr<Comparison> make_comparison(const Schema& schema) {
  if (is_text(schema)) return std::make_unique<TextComparison>();
  return std::make_unique<SquaredError>();
}

}  // namespace elbo

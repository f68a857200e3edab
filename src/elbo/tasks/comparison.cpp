#include "elbo/tasks/comparison.h"

#include <cmath>

#include "elbo/core/text.h"
#include "elbo/data/row_view.h"
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

/// Columns have measures of their own: classes are right or wrong, numbers are off by some units.
class TableComparison : public Comparison {
 public:
  explicit TableComparison(const TableView& view) {
    for (const auto& cells : view.cells()) columns_.push_back(cells.column());
    const auto n = static_cast<int64_t>(columns_.size());
    for (auto* sum : {&cells_, &errors_, &sums_, &squares_}) {
      *sum = torch::zeros({n}, torch::kFloat64);
    }
  }
  void add(const Batch& data, const Tensor& made) override {
    const auto seen = data.mask.defined() ? data.mask > 0 : torch::ones_like(data.x, torch::kBool);
    const auto x = torch::where(seen, data.x, torch::zeros({})).to(torch::kFloat64);
    const auto off = torch::where(seen, made, torch::zeros({})).to(torch::kFloat64) - x;
    cells_ += seen.sum(0);
    sums_ += x.sum(0);
    squares_ += x.square().sum(0);
    std::vector<Tensor> each;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const auto column = off.select(1, static_cast<int64_t>(i));
      each.push_back(columns_[i].numeric() ? column.square().sum() : (column.abs() > 0.5).sum());
    }
    errors_ += torch::stack(each);
  }
  Json figures() const override {
    Json list = Json::array();
    for (size_t i = 0; i < columns_.size(); ++i) {
      const auto at = static_cast<int64_t>(i);
      const double n = std::max(cells_[at].item<double>(), 1.0);
      const double error = errors_[at].item<double>() / n, mean = sums_[at].item<double>() / n;
      const double spread = std::sqrt(std::max(0.0, squares_[at].item<double>() / n - mean * mean));
      const auto& column = columns_[i];
      constexpr double kDay = 86400;
      const double unit = column.type == "date" ? kDay : 1;
      const auto note = std::string(column.type == "date" ? ", in days" : "") + ", spread " +
                        number_text(spread / unit);
      list.push_back({{"name", column.name},
                      {"error", column.numeric() ? std::sqrt(error) / unit : error},
                      {"measure", column.numeric() ? "root mean squared" + note : "share wrong"}});
    }
    return {{"columns", list}};
  }

 private:
  std::vector<Column> columns_;
  Tensor cells_, errors_, sums_, squares_;  // [columns]
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
  using Made = std::unique_ptr<Comparison>;
  return std::visit(
      Cases{[](const TextView&) -> Made { return std::make_unique<TextComparison>(); },
            [](const TableView& v) -> Made { return std::make_unique<TableComparison>(v); },
            [](const PictureView&) -> Made { return std::make_unique<SquaredError>(); },
            [](const NumberView&) -> Made { return std::make_unique<SquaredError>(); }},
      view_of(schema));
}

}  // namespace elbo

#include "elbo/data/components.h"

#include <charconv>
#include <cmath>

#include "elbo/core/text.h"
#include "elbo/data/row_view.h"
#include "elbo/data/series_file.h"
#include "elbo/data/tokenizer.h"

namespace elbo {
namespace {

/// Numbers of any shape: pixels, columns, windows of steps.
class NumberComponents : public Components {
 public:
  explicit NumberComponents(const Schema& schema)
      : shape_(schema.shape),
        names_(column_names(schema)),
        states_(series_roles_from(schema.detail).states),
        origin_(schema.origin()) {}

  std::string name(int64_t component) const override {
    if (shape_.size() == 3) return pixel_name(component);
    const auto columns = static_cast<int64_t>(names_.size());
    if (columns == 0) return "x" + std::to_string(component);
    const auto& name = names_[static_cast<size_t>(component % columns)];
    const int64_t before = (numel(shape_) - 1 - component) / columns;  // of a window of steps
    return before > 0 ? name + " (" + std::to_string(before) + " before)" : name;
  }

  /// A word where the column's are states, and whole where it lies far from zero.
  std::string value(int64_t component, double value) const override {
    if (const auto* word = state(component, value)) return *word;
    const double origin = origin_.defined() ? origin_.data_ptr<double>()[component] : 0;
    if (origin == 0 && std::abs(value) < 1e6) return number_text(value);
    // As many digits as a float has, beside those of its origin.
    const int precision = origin == 0 ? 9 : 12;
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, value + origin,
                                   std::chars_format::general, precision)
                         .ptr;
    return {digits, end};
  }

 private:
  std::string pixel_name(int64_t component) const {
    const int64_t plane = shape_[1] * shape_[2], pixel = component % plane;
    const auto place =
        "pixel " + std::to_string(pixel / shape_[2]) + "," + std::to_string(pixel % shape_[2]);
    return shape_[0] == 1 ? place : place + " channel " + std::to_string(component / plane);
  }

  const std::string* state(int64_t component, double value) const {
    if (states_.empty() || names_.empty()) return nullptr;
    const auto at = states_.find(names_[static_cast<size_t>(component) % names_.size()]);
    const double place = std::round(value);
    const bool known = at != states_.end() && place == value && place >= 0 &&
                       place < static_cast<double>(at->second.size());
    return known ? &at->second[static_cast<size_t>(place)] : nullptr;
  }

  Shape shape_;
  std::vector<std::string> names_;
  std::map<std::string, std::vector<std::string>> states_;  // words of columns of a series
  Tensor origin_;                                           // as Schema::origin()
};

class TokenComponents : public Components {
 public:
  explicit TokenComponents(const Schema& schema) : tokens_(schema.vocabulary()) {}
  std::string name(int64_t component) const override {
    return "token " + std::to_string(component + 1);
  }
  std::string value(int64_t, double value) const override {
    if (!std::isfinite(value)) return "";
    const auto id = static_cast<size_t>(value);
    if (id == kEndToken) return "the end";
    return id < tokens_.size() ? "\"" + tokens_[id] + "\"" : "";
  }

 private:
  std::vector<std::string> tokens_;
};

class CellComponents : public Components {
 public:
  explicit CellComponents(const TableView& table) : cells_(table.cells()) {}
  std::string name(int64_t component) const override { return at(component).column().name; }
  std::string value(int64_t component, double value) const override {
    return std::isnan(value) ? "" : at(component).text(value);
  }
  std::string true_value(int64_t component, double value) const override {
    return std::isfinite(value) ? at(component).true_text(value) : "";
  }

 private:
  const Cells& at(int64_t component) const { return cells_[static_cast<size_t>(component)]; }
  std::vector<Cells> cells_;
};

}  // namespace

std::unique_ptr<Components> components_of(const Schema& schema) {
  using Made = std::unique_ptr<Components>;
  const auto numbers = [&]() -> Made { return std::make_unique<NumberComponents>(schema); };
  return std::visit(
      Cases{[&](const PictureView&) { return numbers(); },
            [&](const NumberView&) { return numbers(); },
            [](const TableView& v) -> Made { return std::make_unique<CellComponents>(v); },
            [&](const TextView&) -> Made { return std::make_unique<TokenComponents>(schema); }},
      view_of(schema));
}

}  // namespace elbo

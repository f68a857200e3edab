#pragma once

#include <optional>

#include "elbo/coding/column_symbols.h"
#include "elbo/data/schema.h"
#include "elbo/model/model.h"

namespace elbo {

/// All that rows of a table are coded by: classes along a tree, and of each column the logarithms
/// of its symbols' probabilities in each class.
struct ClassModel {
  struct PerColumn {
    ColumnSymbols symbols;
    std::vector<float> logits;   // [H, states], each row up to a constant
    std::vector<float> missing;  // [H] log odds that the cell is missing; empty = never
    float beyond = 0;            // probability of what no state can give back
  };
  std::vector<int64_t> parent;     // of each column, -1 of the root
  std::vector<float> root, links;  // [H], [D, H, H] logits
  std::vector<PerColumn> columns;

  size_t classes() const { return root.size(); }
};

/// Nothing where the model is not of this kind.
std::optional<ClassModel> class_model(const std::shared_ptr<Model>& model, const Schemas& schemas);

/// The same in few bytes, with the table's schema: logarithms in steps of 1/32. What is read from
/// them is the model that codes.
std::string small_model(const ClassModel& model, const Schema& table);
std::pair<ClassModel, Schema> from_small_model(std::string_view bytes);

}  // namespace elbo

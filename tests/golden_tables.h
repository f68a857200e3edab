#pragma once

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "elbo/core/options.h"
#include "elbo/core/tensor.h"
#include "elbo/data/column.h"

// Tables of tests, and those in tests/golden.

namespace elbo {

inline Column column_of(const std::string& type, int64_t classes) {
  Column column;
  column.name = column.type = type;
  for (int64_t k = 0; k < classes; ++k) column.classes.push_back(std::to_string(k));
  return column;
}

inline std::vector<Column> columns_in(const Json& golden) {
  std::vector<Column> columns;
  for (size_t i = 0; i < golden["types"].size(); ++i) {
    columns.push_back(column_of(golden["types"][i], golden["classes"][i]));
  }
  return columns;
}

inline Json golden_file(const std::string& name) {
  std::ifstream file(std::string(ELBO_SOURCE_DIR) + "/tests/golden/" + name + ".json");
  return Json::parse(file);
}

/// Rows of numbers and null, which is a missing cell.
inline Tensor rows_of(const Json& list) {
  std::vector<double> values;
  for (const auto& row : list) {
    for (const auto& cell : row) values.push_back(cell.is_null() ? NAN : cell.get<double>());
  }
  return torch::tensor(values, torch::kFloat64).view({static_cast<int64_t>(list.size()), -1});
}

}  // namespace elbo

#include "elbo/serve/row_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "elbo/chem/molecule.h"
#include "elbo/io/base64.h"
#include "elbo/io/image.h"
#include "elbo/tasks/report_molecules.h"

namespace elbo {
namespace {

/// The numbers of a tensor as `shown` has them; null where one is not finite.
template <class T, class Shown>
Json finite_list(const Tensor& values, const Shown& shown) {
  const Tensor plain = values.to(torch::kCPU, c10::CppTypeToScalarType<T>::value).contiguous();
  Json list = Json::array();
  for (int64_t i = 0; i < plain.numel(); ++i) {
    const T v = plain.data_ptr<T>()[i];
    list.push_back(std::isfinite(v) ? Json(shown(v)) : Json());
  }
  return list;
}

/// Numbers beside which float32 is too coarse, as Schema::origin() has them.
Json far_numbers(const Tensor& row) {
  return finite_list<double>(row, [](double v) { return v; });
}

Json named_cells(const TableView& table, const Tensor& row) {
  Json named = Json::object();
  int64_t k = 0;
  for (const auto& cells : table.cells()) {
    const auto value = row[k++].item<double>();
    named[cells.column().name] = std::isnan(value) ? "" : cells.text(value);
  }
  return named;
}

/// One row: x [1, …].
struct RowJson {
  Tensor x;
  Json operator()(const PictureView& view) const {
    return "data:image/png;base64," + base64(encode_png(view.grid(x, 1)));
  }
  Json operator()(const MoleculeView& view) const {
    const auto smiles = view.texts(x)[0];
    return has_chemistry() ? molecule_image(smiles) : smiles;
  }
  Json operator()(const TextView& view) const { return view.texts(x)[0]; }
  Json operator()(const TableView& view) const { return named_cells(view, x[0]); }
  Json operator()(const NumberView& view) const {
    const auto& origin = view.origin();
    return origin.defined() ? far_numbers(x.to(torch::kFloat64) + origin) : number_list(x);
  }
};

/// The number whose shortest text is a float's: cast to double, it has seventeen digits.
double shortest(float v) {
  std::array<char, 32> text{};
  const auto* end = std::to_chars(text.data(), text.data() + text.size(), v).ptr;
  double number = 0;
  std::from_chars(text.data(), end, number);
  return number;
}

}  // namespace

Json number_list(const Tensor& values) {
  static const double scale = std::pow(10, kShownDecimals);
  return finite_list<float>(values, [](float v) { return std::round(v * scale) / scale; });
}

Json code_list(const Tensor& code) { return finite_list<float>(code, shortest); }

Json rows_json(const RowView& view, const Tensor& x) {
  Json rows = Json::array();
  for (int64_t i = 0; i < x.size(0); ++i) {
    rows.push_back(std::visit(RowJson{x.narrow(0, i, 1)}, view));
  }
  return rows;
}

Json look_json(const RowView& view) {
  const auto look = [](bool picture, bool molecules) {
    return Json{{"picture", picture}, {"molecules", molecules}};
  };
  const auto of_table = [&](const TableView& table) {
    auto described = look(false, false);
    for (const auto& cells : table.cells()) {
      const auto& column = cells.column();
      described["columns"].push_back(
          {{"name", column.name}, {"type", column.type}, {"classes", column.classes}});
    }
    return described;
  };
  return std::visit(Cases{[&](const PictureView&) { return look(true, false); },
                          [&](const MoleculeView&) {
                            auto described = look(has_chemistry(), true);
                            described["texts"] = true;
                            return described;
                          },
                          [&](const TextView&) {
                            auto described = look(false, false);
                            described["texts"] = true;
                            return described;
                          },
                          [&](const NumberView& view) {
                            auto described = look(false, false);
                            described["names"] = view.names();
                            return described;
                          },
                          of_table},
                    view);
}

Batch row_of_cells(const TableView& table, const Json& cells) {
  const auto& columns = table.cells();
  const auto count = static_cast<int64_t>(columns.size());
  Batch batch{torch::zeros({1, count}), torch::zeros({1, count}), Tensor(), Tensor()};
  for (const auto& [name, cell] : cells.items()) {
    const auto at = std::find_if(columns.begin(), columns.end(),
                                 [&, n = name](const auto& c) { return c.column().name == n; });
    check(at != columns.end(), "[explore] row: unknown column \"", name, "\"");
    if (cell.is_null() || cell == "") continue;
    const auto text = cell.is_string() ? cell.get<std::string>() : cell.dump();
    batch.x[0][at - columns.begin()] = at->value(text);
    batch.mask[0][at - columns.begin()] = 1;
  }
  return batch;
}

}  // namespace elbo

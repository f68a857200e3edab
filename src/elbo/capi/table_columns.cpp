#include "elbo/capi/table_columns.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "elbo/capi/array_view.h"
#include "elbo/capi/guard.h"
#include "elbo/data/column.h"

namespace elbo::capi {
namespace {

std::vector<uint8_t> validity(const uint8_t* valid, int64_t rows) {
  return valid ? std::vector<uint8_t>(valid, valid + rows) : std::vector<uint8_t>();
}

/// A copy in one of the types that columns have.
Tensor stored_numbers(const Tensor& t) {
  const auto type = t.scalar_type();
  const bool single = type == torch::kFloat32 || type == torch::kFloat16;
  const bool whole = !torch::isFloatingType(type);
  return t.to(whole    ? torch::kInt64
              : single ? torch::kFloat32
                       : torch::kFloat64)
      .clone(at::MemoryFormat::Contiguous);
}

const MemoryColumn* column_at(const elbo_table* table, int64_t column) {
  if (!table || column < 0 || column >= static_cast<int64_t>(table->columns.size())) return nullptr;
  return table->columns[static_cast<size_t>(column)].get();
}

/// The cells of a column of the model's values [N]: numbers as they are written, else texts.
MemoryColumn spelled_cells(const Column& column, const Tensor& values) {
  const Cells cells(column);
  MemoryColumn made;
  made.name = column.name;
  const bool numeric = column.numeric() && column.type != "date";
  std::vector<double> numbers;
  if (!numeric) made.offsets.push_back(0);
  const auto plain = values.to(torch::kFloat64).contiguous();
  for (int64_t r = 0; r < plain.size(0); ++r) {
    const double value = plain.data_ptr<double>()[r];
    const bool missing = std::isnan(value);
    const auto text = missing ? std::string() : cells.text(value);
    if (numeric) {
      numbers.push_back(missing ? value : parse_number(text, column.spelling).value_or(value));
    } else {
      append_text(made, text);
      made.valid.push_back(missing ? 0 : 1);
    }
  }
  if (numeric) made.numbers = torch::tensor(numbers, torch::kFloat64);
  return made;
}

}  // namespace

void add_column(elbo_table& table, MemoryColumn column) {
  check(!column.name.empty(), "[table] a column without a name");
  for (const auto& other : table.columns) {
    check(other->name != column.name, "[table] column \"", column.name, "\" is there twice");
  }
  table.columns.push_back(std::make_shared<const MemoryColumn>(std::move(column)));
}

void append_text(MemoryColumn& column, std::string_view text) {
  column.bytes += text;
  column.offsets.push_back(static_cast<int64_t>(column.bytes.size()));
}

}  // namespace elbo::capi

using namespace elbo::capi;

elbo_status elbo_table_create(int64_t rows, elbo_table** out) {
  return guarded([&] {
    check_given(out, "elbo_table_create", "out");
    elbo::check(rows >= 0, "[table] rows: found ", rows, ", allowed at least 0");
    *out = new elbo_table{rows, {}};
  });
}

void elbo_table_free(elbo_table* table) { delete table; }

elbo_status elbo_table_add_numbers(elbo_table* table, const char* name, const elbo_array* numbers,
                                   const uint8_t* valid) {
  return guarded([&] {
    check_given(table, "elbo_table_add_numbers", "table");
    check_given(name, "elbo_table_add_numbers", "name");
    check_given(numbers, "elbo_table_add_numbers", "numbers");
    const auto t = tensor_over(*numbers, name);
    elbo::check(t.dim() == 1 && t.size(0) == table->rows, "[table] column \"", name, "\": shape ",
                elbo::to_string(t.sizes().vec()), ", expected [", table->rows, "]");
    elbo::MemoryColumn column;
    column.name = name;
    column.numbers = stored_numbers(t);
    column.valid = validity(valid, table->rows);
    add_column(*table, std::move(column));
  });
}

elbo_status elbo_table_add_texts(elbo_table* table, const char* name, const char* bytes,
                                 const int64_t* offsets, const uint8_t* valid) {
  return guarded([&] {
    check_given(table, "elbo_table_add_texts", "table");
    check_given(name, "elbo_table_add_texts", "name");
    check_given(offsets, "elbo_table_add_texts", "offsets");
    elbo::MemoryColumn column;
    column.name = name;
    column.offsets.assign(offsets, offsets + table->rows + 1);
    const bool rising = std::is_sorted(column.offsets.begin(), column.offsets.end());
    elbo::check(rising && column.offsets[0] == 0, "[table] column \"", name,
                "\": offsets do not rise from 0");
    if (column.offsets.back() > 0) {
      check_given(bytes, "elbo_table_add_texts", "bytes");
      column.bytes.assign(bytes, static_cast<size_t>(column.offsets.back()));
    }
    column.valid = validity(valid, table->rows);
    add_column(*table, std::move(column));
  });
}

int64_t elbo_table_rows(const elbo_table* table) { return table ? table->rows : 0; }

int64_t elbo_table_columns(const elbo_table* table) {
  return table ? static_cast<int64_t>(table->columns.size()) : 0;
}

const char* elbo_table_name(const elbo_table* table, int64_t column) {
  const auto* found = column_at(table, column);
  return found ? found->name.c_str() : nullptr;
}

const double* elbo_table_numbers(const elbo_table* table, int64_t column) {
  const auto* found = column_at(table, column);
  const bool numbers =
      found && found->numbers.defined() && found->numbers.scalar_type() == torch::kFloat64;
  return numbers ? found->numbers.data_ptr<double>() : nullptr;
}

elbo_status elbo_table_texts(const elbo_table* table, int64_t column, const char** bytes,
                             const int64_t** offsets, const uint8_t** valid) {
  return guarded([&] {
    const auto* found = column_at(table, column);
    elbo::check(found != nullptr, "[table] column ", column, ": the table has ",
                elbo_table_columns(table));
    elbo::check(!found->numbers.defined(), "[table] column \"", found->name,
                "\" holds numbers, not texts");
    check_given(bytes, "elbo_table_texts", "bytes");
    check_given(offsets, "elbo_table_texts", "offsets");
    *bytes = found->bytes.data();
    *offsets = found->offsets.data();
    if (valid) *valid = found->valid.empty() ? nullptr : found->valid.data();
  });
}

elbo_status elbo_run_cells(const elbo_run* run, const elbo_array* values, elbo_table** out) {
  return computing([&] {
    check_given(run, "elbo_run_cells", "run");
    check_given(values, "elbo_run_cells", "values");
    check_given(out, "elbo_run_cells", "out");
    const auto& x = run->run->schemas().x;
    elbo::check(x.kind == elbo::Kind::kTable, "[table] the model was trained on ", x.kind,
                " data, which have no cells");
    const auto columns = elbo::columns_of(x);
    const auto t = matrix_over(*values, static_cast<int64_t>(columns.size()), "values");
    auto table = std::make_unique<elbo_table>(elbo_table{t.size(0), {}});
    for (size_t i = 0; i < columns.size(); ++i) {
      add_column(*table, spelled_cells(columns[i], t.select(1, static_cast<int64_t>(i))));
    }
    *out = table.release();
  });
}

#include <cstring>
#include <memory>

#include "elbo/capi/arrow_abi.h"
#include "elbo/capi/guard.h"
#include "elbo/capi/table_columns.h"

namespace elbo::capi {
namespace {

/// A column of a record batch.
struct ArrowColumn {
  const ArrowSchema& schema;
  const ArrowArray& array;
  int64_t first = 0, rows = 0;  // in its buffers

  std::string name() const { return schema.name ? schema.name : ""; }
  std::string format() const { return schema.format ? schema.format : ""; }
  template <class T>
  const T* buffer(int64_t i) const {
    check(i < array.n_buffers && array.buffers[i] != nullptr, "[arrow] column \"", name(),
          "\": buffer ", i, " is missing");
    return static_cast<const T*>(array.buffers[i]);
  }
  bool bit(const uint8_t* bits, int64_t row) const {
    return (bits[(first + row) / 8] >> ((first + row) % 8)) & 1;
  }
  std::vector<uint8_t> valid() const {
    if (array.null_count == 0 || array.n_buffers < 1 || !array.buffers[0]) return {};
    const auto* bits = static_cast<const uint8_t*>(array.buffers[0]);
    std::vector<uint8_t> list(static_cast<size_t>(rows));
    for (int64_t r = 0; r < rows; ++r) list[static_cast<size_t>(r)] = bit(bits, r);
    return list;
  }
};

template <class From>
Tensor numbers_as(const ArrowColumn& column, torch::ScalarType type) {
  const auto* from = column.buffer<From>(1) + column.first;
  auto out = torch::empty({column.rows}, type);
  AT_DISPATCH_FLOATING_TYPES_AND(at::kLong, type, "arrow", [&] {
    auto* to = out.data_ptr<scalar_t>();
    for (int64_t r = 0; r < column.rows; ++r) to[r] = static_cast<scalar_t>(from[r]);
  });
  return out;
}

/// Undefined for formats that are not numbers.
Tensor numbers_of(const ArrowColumn& c) {
  switch (c.format().size() == 1 ? c.format()[0] : '\0') {
    case 'c':
      return numbers_as<int8_t>(c, torch::kInt64);
    case 'C':
      return numbers_as<uint8_t>(c, torch::kInt64);
    case 's':
      return numbers_as<int16_t>(c, torch::kInt64);
    case 'S':
      return numbers_as<uint16_t>(c, torch::kInt64);
    case 'i':
      return numbers_as<int32_t>(c, torch::kInt64);
    case 'I':
      return numbers_as<uint32_t>(c, torch::kInt64);
    case 'l':
      return numbers_as<int64_t>(c, torch::kInt64);
    case 'L':
      return numbers_as<uint64_t>(c, torch::kInt64);
    case 'f':
      return numbers_as<float>(c, torch::kFloat32);
    case 'g':
      return numbers_as<double>(c, torch::kFloat64);
    default:
      return Tensor();
  }
}

template <class Offset>
std::vector<std::string_view> texts_by(const ArrowColumn& c) {
  const auto* offsets = c.buffer<Offset>(1) + c.first;
  const bool any = offsets[c.rows] > offsets[0];
  const char* bytes = any ? c.buffer<char>(2) : "";
  std::vector<std::string_view> list;
  for (int64_t r = 0; r < c.rows; ++r) {
    list.emplace_back(bytes + offsets[r], static_cast<size_t>(offsets[r + 1] - offsets[r]));
  }
  return list;
}

std::vector<std::string_view> texts_of_column(const ArrowColumn& c) {
  if (c.format() == "U") return texts_by<int64_t>(c);
  check(c.format() == "u", "[arrow] column \"", c.name(), "\": the format \"", c.format(),
        "\" is not known; known: numbers, booleans, texts (u, U), dictionaries of texts");
  return texts_by<int32_t>(c);
}

MemoryColumn empty_column(const ArrowColumn& c) {
  MemoryColumn column;
  column.name = c.name();
  column.valid = c.valid();
  return column;
}

MemoryColumn booleans(const ArrowColumn& c) {
  auto column = empty_column(c);
  column.offsets.push_back(0);
  const auto* bits = c.buffer<uint8_t>(1);
  for (int64_t r = 0; r < c.rows; ++r) append_text(column, c.bit(bits, r) ? "true" : "false");
  return column;
}

/// Whole numbers that name texts of a dictionary.
MemoryColumn from_dictionary(const ArrowColumn& c) {
  const ArrowColumn words{*c.schema.dictionary, *c.array.dictionary, c.array.dictionary->offset,
                          c.array.dictionary->length};
  const auto texts = texts_of_column(words);
  const auto places = numbers_of(c);
  check(places.defined() && places.scalar_type() == torch::kInt64, "[arrow] column \"", c.name(),
        "\": the places of a dictionary are not whole numbers");
  auto column = empty_column(c);
  column.offsets.push_back(0);
  for (int64_t r = 0; r < c.rows; ++r) {
    const bool missing = !column.valid.empty() && column.valid[static_cast<size_t>(r)] == 0;
    const auto at = places.data_ptr<int64_t>()[r];
    check(missing || (at >= 0 && at < words.rows), "[arrow] column \"", c.name(), "\", row ", r,
          ": the place ", at, " lies outside the dictionary of ", words.rows);
    append_text(column, missing ? std::string_view() : texts[static_cast<size_t>(at)]);
  }
  return column;
}

MemoryColumn column_from(const ArrowColumn& c) {
  if (c.schema.dictionary) return from_dictionary(c);
  if (c.format() == "b") return booleans(c);
  auto column = empty_column(c);
  column.numbers = numbers_of(c);
  if (column.numbers.defined()) return column;
  column.offsets.push_back(0);
  for (const auto text : texts_of_column(c)) append_text(column, text);
  return column;
}

}  // namespace
}  // namespace elbo::capi

using namespace elbo::capi;

elbo_status elbo_table_add_arrow(elbo_table* table, const struct ArrowSchema* schema,
                                 const struct ArrowArray* batch) {
  return guarded([&] {
    check_given(table, "elbo_table_add_arrow", "table");
    check_given(schema, "elbo_table_add_arrow", "schema");
    check_given(batch, "elbo_table_add_arrow", "batch");
    elbo::check(schema->format && std::strcmp(schema->format, "+s") == 0,
                "[arrow] expected a record batch (format +s), found ",
                schema->format ? schema->format : "nothing");
    elbo::check(batch->length == table->rows, "[arrow] ", batch->length, " rows, the table has ",
                table->rows);
    elbo::check(schema->n_children == batch->n_children, "[arrow] ", schema->n_children,
                " columns in the schema, ", batch->n_children, " in the batch");
    for (int64_t i = 0; i < schema->n_children; ++i) {
      const auto& child = *batch->children[i];
      add_column(*table, column_from({*schema->children[i], child, child.offset + batch->offset,
                                      batch->length}));
    }
  });
}

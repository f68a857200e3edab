#include <algorithm>
#include <cstring>
#include <memory>

#include "elbo/capi/arrow_column.h"
#include "elbo/capi/guard.h"
#include "elbo/capi/table_columns.h"

namespace elbo::capi {
namespace {

MemoryColumn empty_column(const ArrowColumn& c) {
  MemoryColumn column;
  column.name = c.name();
  column.valid = c.valid();
  return column;
}

MemoryColumn all_missing(MemoryColumn column, int64_t rows) {
  column.valid.assign(static_cast<size_t>(rows), 0);
  for (int64_t r = 0; r < rows; ++r) append_text(column, "");
  return column;
}

/// Spelled as pandas writes them to a CSV file.
MemoryColumn booleans(const ArrowColumn& c) {
  auto column = empty_column(c);
  column.offsets.push_back(0);
  const auto* bits = c.buffer<uint8_t>(1);
  for (int64_t r = 0; r < c.rows; ++r) append_text(column, c.bit(bits, r) ? "True" : "False");
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

/// What a struct of the caller's or of a stream's holds goes when the scope ends.
template <class Struct>
struct Held : Struct {
  Held() : Struct{} {}
  ~Held() {
    if (this->release) this->release(this);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
};

MemoryColumns columns_from(const ArrowSchema& schema, const ArrowArray& batch) {
  check(schema.format && std::strcmp(schema.format, "+s") == 0,
        "[arrow] expected record batches (format +s), found ",
        schema.format ? schema.format : "nothing");
  check(schema.n_children == batch.n_children, "[arrow] ", schema.n_children,
        " columns in the schema, ", batch.n_children, " in the batch");
  MemoryColumns columns;
  for (int64_t i = 0; i < schema.n_children; ++i) {
    const auto& child = *batch.children[i];
    columns.push_back(std::make_shared<const MemoryColumn>(
        column_from({*schema.children[i], child, child.offset + batch.offset, batch.length})));
  }
  return columns;
}

/// One column of the parts that follow each other, of `rows` rows together.
MemoryColumn joined(const std::vector<MemoryColumns>& parts, size_t column, int64_t rows) {
  MemoryColumn whole;
  whole.name = parts[0][column]->name;
  std::vector<Tensor> numbers;
  const bool missing = std::any_of(parts.begin(), parts.end(), [&](const MemoryColumns& part) {
    return !part[column]->valid.empty();
  });
  if (missing) whole.valid.reserve(static_cast<size_t>(rows));
  for (const auto& part : parts) {
    const auto& one = *part[column];
    const auto count =
        one.numbers.defined() ? one.numbers.size(0) : static_cast<int64_t>(one.offsets.size()) - 1;
    if (missing && one.valid.empty()) {
      whole.valid.insert(whole.valid.end(), static_cast<size_t>(count), 1);
    }
    whole.valid.insert(whole.valid.end(), one.valid.begin(), one.valid.end());
    if (one.numbers.defined()) {
      numbers.push_back(one.numbers);
      continue;
    }
    const auto before = static_cast<int64_t>(whole.bytes.size());
    if (whole.offsets.empty()) whole.offsets.push_back(0);
    for (size_t r = 1; r < one.offsets.size(); ++r) {
      whole.offsets.push_back(before + one.offsets[r]);
    }
    whole.bytes += one.bytes;
  }
  if (!numbers.empty()) whole.numbers = torch::cat(numbers);
  return whole;
}

/// A stream's own word for what went wrong.
void check_stream(int status, ArrowArrayStream& stream) {
  if (status == 0) return;
  const char* said = stream.get_last_error ? stream.get_last_error(&stream) : nullptr;
  fail("[arrow] the stream failed: ", said ? said : std::strerror(status));
}

std::unique_ptr<elbo_table> table_from(ArrowArrayStream& stream) {
  Held<ArrowSchema> schema;
  check_stream(stream.get_schema(&stream, &schema), stream);
  std::vector<MemoryColumns> parts;
  auto table = std::make_unique<elbo_table>();
  while (true) {
    Held<ArrowArray> batch;
    check_stream(stream.get_next(&stream, &batch), stream);
    if (!batch.release) break;
    table->rows += batch.length;
    parts.push_back(columns_from(schema, batch));
  }
  check(!parts.empty(), "[arrow] the stream holds no rows");
  for (size_t i = 0; i < parts[0].size(); ++i) {
    add_column(*table, joined(parts, i, table->rows));
  }
  return table;
}

}  // namespace

MemoryColumn column_from(const ArrowColumn& c) {
  if (c.schema.dictionary) return from_dictionary(c);
  if (c.format() == "b") return booleans(c);
  auto column = empty_column(c);
  column.numbers = numbers_of(c);
  if (column.numbers.defined()) return column;
  column.offsets.push_back(0);
  if (c.format() == "n") return all_missing(std::move(column), c.rows);
  if (append_times(c, column)) return column;
  for (const auto text : texts_of_column(c)) append_text(column, text);
  return column;
}

}  // namespace elbo::capi

using namespace elbo::capi;

elbo_status elbo_table_add_arrow(elbo_table* table, const struct ArrowSchema* schema,
                                 const struct ArrowArray* batch) {
  return guarded([&] {
    check_given(table, "elbo_table_add_arrow", "table");
    check_given(schema, "elbo_table_add_arrow", "schema");
    check_given(batch, "elbo_table_add_arrow", "batch");
    elbo::check(batch->length == table->rows, "[arrow] ", batch->length, " rows, the table has ",
                table->rows);
    for (const auto& column : columns_from(*schema, *batch)) add_column(*table, *column);
  });
}

elbo_status elbo_table_from_arrow(struct ArrowArrayStream* stream, elbo_table** out) {
  return guarded([&] {
    check_given(stream, "elbo_table_from_arrow", "stream");
    check_given(out, "elbo_table_from_arrow", "out");
    elbo::check(stream->release != nullptr && stream->get_schema && stream->get_next,
                "[arrow] the stream was released already");
    *out = table_from(*stream).release();
  });
}

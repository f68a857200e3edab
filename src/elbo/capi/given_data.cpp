#include "elbo/capi/given_data.h"

#include <algorithm>
#include <numeric>

#include "elbo/capi/array_view.h"
#include "elbo/capi/guard.h"
#include "elbo/data/open.h"

namespace elbo::capi {
namespace {

elbo_data* made(MemorySource source, const char* options, const char* where) {
  auto data = std::make_unique<elbo_data>();
  data->options = options_from(options, where);
  read_options<DataOptions>(data->options, "data");  // unknown names are refused here
  data->memory = std::make_shared<const NamedSource>(std::move(source));
  data->source = data->memory->data();
  return data.release();
}

/// Rows of floats that a run reads as they stand: real numbers, shares and bytes.
bool is_plain(const Schema& x, const Tensor& rows) {
  if (rows.dim() < 1 || rows.size(0) == 0 || x.missing()) return false;
  const Shape shape(rows.sizes().begin() + 1, rows.sizes().end());
  if (shape != x.shape) return false;
  return x.kind == Kind::kReal || (x.kind == Kind::kByte && rows.scalar_type() == torch::kUInt8);
}

Data opened_for(const elbo_run& run, const elbo_data& data, OddCells odd) {
  const auto& schemas = run.run->schemas();
  const auto* source = data.memory ? &data.memory->source() : nullptr;
  if (source && source->x.defined() && !source->labels.defined() && !schemas.c.present() &&
      data.options.empty() && is_plain(schemas.x, source->x)) {
    Arrays arrays;
    arrays.x = source->x;
    arrays.schemas.x = schemas.x;
    return in_memory(std::move(arrays));
  }
  const auto own = read_options<DataOptions>(data.options, "data");
  auto rows = run.run->open_other(data.source, own.split, odd);
  if (own.rows > 0 && own.rows < rows->size()) {
    std::vector<int64_t> first(static_cast<size_t>(own.rows));
    std::iota(first.begin(), first.end(), int64_t{0});
    rows = subset(rows, std::move(first));
  }
  return rows;
}

Data counted(const elbo_data& data, Data rows) {
  // The caller's memory is as large as the number of rows says.
  check(data.counted < 0 || rows->size() == data.counted, "[data] ", data.source, ": ",
        data.counted, " rows as they were counted, ", rows->size(), " as the run reads them");
  return rows;
}

}  // namespace

Data open_for(const elbo_run& run, const elbo_data& data, OddCells odd) {
  return counted(data, opened_for(run, data, odd));
}

Data open_given(const elbo_data& data) {
  return open_data(data.source, read_options<DataOptions>(data.options, "data"));
}

void use_rows_of(const elbo_data& data, const std::vector<OptionHelp>& known, Json& options) {
  for (const char* name : {"rows", "split"}) {
    if (!data.options.contains(name) || options.contains(name)) continue;
    const bool takes = std::any_of(known.begin(), known.end(),
                                   [&](const OptionHelp& option) { return option.name == name; });
    check(takes, "[data] ", name, ": this task reads all rows of its data");
    options[name] = data.options[name];
  }
}

}  // namespace elbo::capi

using namespace elbo::capi;

elbo_status elbo_data_open(const char* source, const char* options, elbo_data** out) {
  return guarded([&] {
    check_given(source, "elbo_data_open", "source");
    check_given(out, "elbo_data_open", "out");
    auto data = std::make_unique<elbo_data>();
    data->source = source;
    data->options = options_from(options, "elbo_data_open");
    elbo::read_options<elbo::DataOptions>(data->options, "data");
    *out = data.release();
  });
}

elbo_status elbo_data_array(const elbo_array* x, const elbo_array* labels, const char* options,
                            elbo_data** out) {
  return guarded([&] {
    check_given(x, "elbo_data_array", "x");
    check_given(out, "elbo_data_array", "out");
    elbo::MemorySource source;
    source.x = tensor_over(*x, "x");
    if (source.x.scalar_type() == torch::kHalf) source.x = source.x.to(torch::kFloat32);
    source.rows = source.x.size(0);
    if (labels) source.labels = tensor_over(*labels, "labels");
    *out = made(std::move(source), options, "elbo_data_array");
  });
}

elbo_status elbo_data_table(const elbo_table* table, const char* options, elbo_data** out) {
  return guarded([&] {
    check_given(table, "elbo_data_table", "table");
    check_given(out, "elbo_data_table", "out");
    elbo::check(!table->columns.empty(), "[table] no columns");
    elbo::MemorySource source;
    source.columns = table->columns;
    source.rows = table->rows;
    *out = made(std::move(source), options, "elbo_data_table");
  });
}

void elbo_data_free(elbo_data* data) { delete data; }

elbo_status elbo_data_rows(const elbo_data* data, int64_t* rows) {
  return computing([&] {
    check_given(data, "elbo_data_rows", "data");
    check_given(rows, "elbo_data_rows", "rows");
    const auto most = data->options.value("rows", int64_t{0});
    const bool all = data->memory && most == 0;
    data->counted = all ? data->memory->source().rows : open_given(*data)->size();
    *rows = data->counted;
  });
}

elbo_status elbo_data_schema(const elbo_data* data, char** json) {
  return computing([&] {
    check_given(data, "elbo_data_schema", "data");
    check_given(json, "elbo_data_schema", "json");
    *json = copied(elbo::to_json(open_given(*data)->schemas().x).dump());
  });
}

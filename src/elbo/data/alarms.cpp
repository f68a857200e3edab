#include "elbo/data/label_rows.h"
#include "elbo/data/reader.h"
#include "elbo/io/csv.h"
#include "elbo/io/file.h"
#include "elbo/io/npy.h"

namespace elbo {
namespace {

std::vector<bool> alarms_of_csv(const std::string& path) {
  CsvReader file(path);
  check(file.next(), "[without] ", path, ": is empty");
  int64_t column = 0;
  while (column < file.size() && file.cell(column) != "alarm") ++column;
  check(column < file.size(), "[without] ", path,
        ": has no column \"alarm\"; elbo score writes such files");
  std::vector<bool> alarms;
  while (file.next()) {
    const auto cell = column < file.size() ? file.cell(column) : std::string_view();
    check(cell == "0" || cell == "1", "[without] ", path, ": line ", file.line(), ": found \"",
          cell, "\" in the column \"alarm\", allowed: 0, 1");
    alarms.push_back(cell == "1");
  }
  return alarms;
}

std::vector<bool> alarms_of_array(const std::string& path) {
  auto table = parse_npy(read_file(path), path).to(torch::kFloat64);
  check(table.dim() == 1 || (table.dim() == 2 && table.size(1) > 0), "[without] ", path, ": shape ",
        to_string(table.sizes().vec()), ", expected a column, or alarms in the last one");
  if (table.dim() == 2) table = table.select(1, table.size(1) - 1);
  const auto flat = table.contiguous();
  const auto* value = flat.data_ptr<double>();
  std::vector<bool> alarms;
  for (int64_t i = 0; i < flat.size(0); ++i) {
    check(value[i] == 0 || value[i] == 1, "[without] ", path, ": row ", i + 1, ": found ", value[i],
          ", allowed: 0, 1");
    alarms.push_back(value[i] == 1);
  }
  return alarms;
}

/// Columns of numbers with the centres and scales of these rows: those of all were stretched by
/// what has been left out.
Data rescaled(const Data& data) {
  auto schemas = data->schemas();
  const auto rows = data->get(torch::arange(data->size()));
  if (rows.mask.defined()) return data;
  schemas.x.detail.update(real_schema(rows.x).detail);
  return in_memory({rows.x, rows.mask, rows.c, rows.y, data->factors(), rows.target, schemas, {}});
}

}  // namespace

Data without_alarms(Data data, const std::string& path) {
  const auto alarms = path.ends_with(".npy") ? alarms_of_array(path) : alarms_of_csv(path);
  check(static_cast<int64_t>(alarms.size()) == data->size(), "[without] ", path, ": covers ",
        alarms.size(), " rows, the data have ", data->size());
  std::vector<int64_t> kept;
  for (size_t i = 0; i < alarms.size(); ++i) {
    if (!alarms[i]) kept.push_back(static_cast<int64_t>(i));
  }
  check(!kept.empty(), "[without] ", path, ": every row has an alarm, none is left");
  if (kept.size() == alarms.size()) return data;
  const auto x = data->schemas().x;
  const bool numbers = x.kind == Kind::kReal && x.shape.size() == 1 && x.units();
  const auto left = subset(std::move(data), std::move(kept));
  return numbers ? rescaled(left) : left;
}

}  // namespace elbo

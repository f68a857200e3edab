#include "elbo/coding/file_form.h"

#include "elbo/coding/array_form.h"
#include "elbo/coding/table_form.h"
#include "elbo/core/error.h"

namespace elbo {

FileRows file_rows(std::string_view bytes, const Run& run, const std::string& data) {
  const auto& schemas = run.schemas();
  if (auto table = TableForm::of(bytes, schemas)) {
    FileRows file{nullptr, table->rows(), table->report(), TableForm::kept(bytes, schemas)->side()};
    file.form = std::move(table);
    return file;
  }
  const auto rows = run.open_other(data, "all");
  FileRows file{nullptr, rows->get(torch::arange(rows->size()))};
  file.form = ArrayForm::of(bytes, file.rows);
  check(file.form != nullptr,
        "[compress] file: its rows do not give it again byte for byte; what can be compressed: "
        ".npy and IDX files of bytes (grey levels need a model of bytes, not of bits), tables");
  return file;
}

std::unique_ptr<FileForm> form_from(const std::string& kind, std::string side,
                                    const Schemas& schemas) {
  if (kind == "array") return std::make_unique<ArrayForm>(std::move(side), false);
  if (kind == "array_channels_last") return std::make_unique<ArrayForm>(std::move(side), true);
  if (kind == "csv") {
    return std::make_unique<TableForm>(TableParts{{}, {}, std::move(side)}, schemas.x);
  }
  fail("[decompress] file: found kind \"", kind, "\", known: array, array_channels_last, csv");
}

}  // namespace elbo

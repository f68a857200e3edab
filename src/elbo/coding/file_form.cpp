#include "elbo/coding/file_form.h"

#include "elbo/coding/array_form.h"
#include "elbo/coding/table_form.h"
#include "elbo/core/error.h"

namespace elbo {

std::unique_ptr<FileForm> form_of(std::string_view bytes, const Dataset& data, const Batch& rows) {
  (void)data;
  if (auto form = ArrayForm::of(bytes, rows)) return form;
  fail(
      "[compress] file: its rows do not give it again byte for byte; what can be compressed: .npy "
      "and IDX files of bytes (grey levels need a model of bytes, not of bits), tables");
}

std::unique_ptr<FileForm> form_from(const std::string& kind, std::string side,
                                    const Schemas& schemas) {
  if (kind == "array") return std::make_unique<ArrayForm>(std::move(side));
  if (kind == "csv") {
    return std::make_unique<TableForm>(TableParts{{}, {}, std::move(side)}, schemas.x);
  }
  fail("[decompress] file: found kind \"", kind, "\", known: array, csv");
}

}  // namespace elbo

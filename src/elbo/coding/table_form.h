#pragma once

#include "elbo/coding/file_form.h"
#include "elbo/coding/table_text.h"

namespace elbo {

/// Delimited text as the rows of a table and all else.
class TableForm : public FileForm {
 public:
  /// Null where the model reads no table. A file that does not look like one is kept as it is,
  /// with no rows.
  static std::unique_ptr<TableForm> of(std::string_view bytes, const Schemas& schemas);
  /// The same file without any rows, for where that is less.
  static std::unique_ptr<TableForm> kept(std::string_view bytes, const Schemas& schemas);
  TableForm(TableParts parts, Schema table) : parts_(std::move(parts)), table_(std::move(table)) {}

  std::string kind() const override { return "csv"; }
  std::string side() const override { return parts_.side; }
  std::string bytes(const Batch& rows) const override;
  /// [N, D] with their mask.
  Batch rows() const;
  /// What does not follow from the rows: {"odd_cells", "odd_lines"}.
  Json report() const;

 private:
  TableParts parts_;
  Schema table_;
};

}  // namespace elbo

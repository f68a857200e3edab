#include "elbo/coding/table_form.h"

#include "elbo/data/column.h"

namespace elbo {

std::unique_ptr<TableForm> TableForm::of(std::string_view bytes, const Schemas& schemas) {
  if (schemas.x.kind != Kind::kTable) return nullptr;
  return std::make_unique<TableForm>(split_table_text(bytes, schemas.x), schemas.x);
}

std::unique_ptr<TableForm> TableForm::kept(std::string_view bytes, const Schemas& schemas) {
  return std::make_unique<TableForm>(kept_text(bytes), schemas.x);
}

Batch TableForm::rows() const {
  Batch batch;
  const int64_t columns = numel(table_.shape);
  batch.x = parts_.x.defined() ? parts_.x : torch::zeros({0, columns});
  batch.mask = parts_.mask.defined() ? parts_.mask : torch::zeros({0, columns});
  return batch;
}

std::string TableForm::bytes(const Batch& rows) const {
  auto parts = parts_;
  parts.x = rows.x;
  parts.mask = rows.mask;
  return join_table_text(parts, table_);
}

Json TableForm::report() const {
  return {{"odd_cells", parts_.odd_cells}, {"odd_lines", parts_.odd_lines}};
}

}  // namespace elbo

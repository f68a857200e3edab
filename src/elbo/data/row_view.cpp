#include "elbo/data/row_view.h"

#include "elbo/data/tokenizer.h"
#include "elbo/io/image.h"

namespace elbo {

bool PictureView::shows(const Schema& schema) {
  return schema.shape.size() == 3 && (schema.shape[0] == 1 || schema.shape[0] == 3) &&
         schema.kind != Kind::kToken && schema.kind != Kind::kTable;
}

Tensor PictureView::shades(const Tensor& x) const {
  const auto shades = x.to(torch::kFloat32);
  if (kind_ != Kind::kReal && kind_ != Kind::kCount) return shades;
  const auto flat = shades.flatten(1);
  const auto size = with_rows(-1, Shape(static_cast<size_t>(x.dim() - 1), 1));
  const auto low = flat.amin(1).view(size), high = flat.amax(1).view(size);
  return (shades - low) / (high - low).clamp_min(1e-12);
}

Tensor PictureView::shades_together(const Tensor& x) const {
  return shades(x.unsqueeze(0)).squeeze(0);
}

Tensor PictureView::grid(const Tensor& x, int64_t columns) const {
  return image_grid(shades_together(x), columns);
}

Tensor PictureView::read(const Tensor& shades) const {
  const int64_t channels = shape_[0], own = shades.size(1);
  auto read = own > channels ? shades.mean(1, true) : shades;
  if (own < channels) read = read.expand({-1, channels, -1, -1}).contiguous();
  return kind_ == Kind::kBinary ? (read >= 0.5).to(torch::kFloat32) : read;
}

bool TextView::shows(const Schema& schema) {
  return schema.kind == Kind::kToken && schema.shape.size() == 1 &&
         schema.detail.contains("vocabulary");
}

TextView::TextView(const Schema& schema) : codec_(std::make_shared<TextCodec>(schema)) {}

std::vector<std::string> TextView::texts(const Tensor& ids) const { return codec_->texts(ids); }

bool MoleculeView::shows(const Schema& schema) {
  const auto tokens = schema.detail.value("tokens", Json());
  return schema.kind == Kind::kToken && (tokens == "smiles" || tokens == "selfies");
}

bool TableView::shows(const Schema& schema) { return schema.kind == Kind::kTable; }

TableView::TableView(const Schema& schema) : header_(schema.detail.value("header", true)) {
  for (auto& column : columns_of(schema)) cells_.emplace_back(std::move(column));
  const auto text = schema.detail.value("delimiter", std::string(","));
  delimiter_ = text.empty() ? ',' : text[0];
}

std::vector<std::string> TableView::names() const {
  std::vector<std::string> list;
  for (const auto& cell : cells_) list.push_back(cell.column().name);
  return list;
}

NumberView::NumberView(const Schema& schema)
    : shape_(schema.shape), names_(column_names(schema)), origin_(schema.origin()) {}

RowView view_of(const Schema& schema) {
  if (PictureView::shows(schema)) return PictureView(schema);
  if (MoleculeView::shows(schema)) return MoleculeView(schema);
  if (TableView::shows(schema)) return TableView(schema);
  if (TextView::shows(schema)) return TextView(schema);
  return NumberView(schema);
}

}  // namespace elbo

#include "elbo/tasks/output.h"

#include <cmath>

#include "elbo/data/molecules.h"
#include "elbo/data/table.h"
#include "elbo/data/tokenizer.h"
#include "elbo/io/animation.h"
#include "elbo/io/file.h"
#include "elbo/io/image.h"
#include "elbo/tasks/molecule_file.h"

namespace elbo {
namespace {

constexpr int64_t kMostPixels = int64_t{1} << 27;  // of one picture

bool is_png(const std::string& path) { return path.ends_with(".png"); }

/// Names for a file's columns, where there is one for each component.
std::vector<std::string> component_names(const Schema& schema) {
  auto names = column_names(schema);
  if (static_cast<int64_t>(names.size()) != numel(schema.shape)) names.clear();
  return names;
}

/// Rows that are seen together share one stretch.
Tensor as_shades(const Tensor& x, const Schema& schema) {
  return row_shades(x.unsqueeze(0), schema).squeeze(0);
}

/// Gathers the rows and writes them as one picture.
class PictureFile : public RowFile {
 public:
  PictureFile(std::string path, const Schema& schema, int64_t rows, int64_t columns)
      : path_(std::move(path)), schema_(schema), columns_(columns) {
    check(is_picture(schema), "[picture] ", path_, ": rows of shape ", to_string(schema.shape),
          " are not pictures; use .npy or .csv");
    check(rows * numel(schema.shape) <= kMostPixels, "[picture] ", path_, ": ", rows,
          " pictures of ", to_string(schema.shape), " are too many for one file; use .npy");
    if (columns_ == 0) columns_ = static_cast<int64_t>(std::ceil(std::sqrt(rows)));
  }
  void append(const Tensor& rows) override { parts_.push_back(rows.detach().to(torch::kCPU)); }
  void commit() override { write_png(path_, image_grid(gathered(), columns_)); }

 protected:
  /// All rows as grey levels or colours in [0, 1].
  Tensor gathered() const { return as_shades(torch::cat(parts_), schema_); }
  const std::string& path() const { return path_; }
  int64_t columns() const { return columns_; }

 private:
  std::string path_;
  Schema schema_;
  int64_t columns_;
  std::vector<Tensor> parts_;
};

/// The same pictures one column after the other, there and back.
class AnimationFile : public PictureFile {
 public:
  AnimationFile(std::string path, const Schema& schema, int64_t rows, int64_t columns)
      : PictureFile(std::move(path), schema, rows, columns > 0 ? columns : rows) {}
  void commit() override {
    constexpr int64_t kMilliseconds = 120, kSide = 128;
    const auto all = gathered();
    const int64_t lines = std::max<int64_t>(1, all.size(0) / columns());
    // Small pictures are enlarged: viewers show animations as they are.
    const int64_t larger = std::max<int64_t>(1, kSide / std::max(all.size(2), all.size(3)));
    const auto across = std::min<int64_t>(lines, std::lround(std::ceil(std::sqrt(lines))));
    std::vector<Tensor> frames;
    for (int64_t k = 0; k < columns(); ++k) {
      const auto at = torch::arange(lines) * columns() + k;
      const auto tiles = all.index_select(0, at.clamp_max(all.size(0) - 1));
      const auto big = tiles.repeat_interleave(larger, 2).repeat_interleave(larger, 3);
      frames.push_back(image_grid(big, across));
    }
    for (auto k = static_cast<int64_t>(frames.size()) - 2; k > 0; --k) {
      frames.push_back(frames[static_cast<size_t>(k)]);
    }
    write_animation(path(), frames, kMilliseconds);
  }
};

/// Rows of a table, cells spelled as in the data that the model has learned from.
class TableFile : public RowFile {
 public:
  TableFile(const std::string& path, const Schema& schema)
      : file_(path), delimiter_(path.ends_with(".tsv") ? '\t' : delimiter_of(schema)) {
    const auto columns = columns_of(schema);
    for (const auto& column : columns) cells_.emplace_back(column);
    if (schema.detail.value("header", true)) file_.write(table_header(columns, delimiter_));
  }
  void append(const Tensor& rows) override {
    std::string text;
    append_rows(text, cells_, rows.detach(), delimiter_);
    file_.write(text);
  }
  void commit() override { file_.commit(); }

 private:
  static char delimiter_of(const Schema& schema) {
    const auto text = schema.detail.value("delimiter", std::string(","));
    return text.empty() ? ',' : text[0];
  }

  AtomicFile file_;
  char delimiter_;
  std::vector<Cells> cells_;
};

/// Texts as lines.
class TextFile : public RowFile {
 public:
  TextFile(const std::string& path, Schema schema) : file_(path), schema_(std::move(schema)) {}
  void append(const Tensor& rows) override {
    std::string lines;
    for (const auto& text : texts_of(schema_, rows)) lines += text + '\n';
    file_.write(lines);
  }
  void commit() override { file_.commit(); }

 private:
  AtomicFile file_;
  const Schema schema_;
};

/// Texts that a result shows.
class ShownTexts : public RowFile {
 public:
  explicit ShownTexts(Schema schema) : schema_(std::move(schema)) {}
  void append(const Tensor& rows) override {
    for (auto& text : texts_of(schema_, rows)) texts_.push_back(std::move(text));
  }
  void commit() override {}
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  const Schema schema_;
  std::vector<std::string> texts_;
};

}  // namespace

Tensor row_shades(const Tensor& x, const Schema& schema) {
  const auto shades = x.to(torch::kFloat32);
  if (schema.kind != Kind::kReal && schema.kind != Kind::kCount) return shades;
  const auto flat = shades.flatten(1);
  const auto size = with_rows(-1, Shape(static_cast<size_t>(x.dim() - 1), 1));
  const auto low = flat.amin(1).view(size), high = flat.amax(1).view(size);
  return (shades - low) / (high - low).clamp_min(1e-12);
}

bool is_picture(const Schema& schema) {
  return schema.shape.size() == 3 && (schema.shape[0] == 1 || schema.shape[0] == 3) &&
         schema.kind != Kind::kToken && schema.kind != Kind::kTable;
}

Tensor picture_grid(const Tensor& x, const Schema& schema, int64_t columns) {
  return image_grid(as_shades(x, schema), columns);
}

std::string free_path(const std::string& name) {
  const std::filesystem::path path(name);
  std::error_code ignored;
  auto found = name;
  for (int64_t k = 2; std::filesystem::exists(found, ignored); ++k) {
    const auto numbered =
        path.stem().string() + "-" + std::to_string(k) + path.extension().string();
    found = (path.parent_path() / numbered).string();
  }
  return found;
}

std::string output_path(const std::filesystem::path& out, const std::string& name,
                        const Schema& schema) {
  if (!out.empty()) return out.string();
  if (is_picture(schema)) return free_path(name + ".png");
  if (is_molecules(schema)) return free_path(name + ".smi");
  if (is_text(schema)) return "";
  return free_path(name + (schema.shape.size() == 1 ? ".csv" : ".npy"));
}

Json written(const RowFile& file, const std::string& path) {
  const auto* shown = dynamic_cast<const ShownTexts*>(&file);
  return shown ? Json{{"text", shown->texts()}} : Json{{"file", path}};
}

std::unique_ptr<RowFile> create_output(const std::string& path, const Schema& schema, int64_t rows,
                                       int64_t columns) {
  if (is_molecules(schema) && is_molecule_file(path)) {
    return create_molecule_file(path, schema, columns);
  }
  if (is_text(schema) && path.empty()) return std::make_unique<ShownTexts>(schema);
  if (is_text(schema) && path.ends_with(".txt")) return std::make_unique<TextFile>(path, schema);
  if (is_png(path)) return std::make_unique<PictureFile>(path, schema, rows, columns);
  if (is_animation_name(path)) {
    return std::make_unique<AnimationFile>(path, schema, rows, columns);
  }
  if (schema.kind == Kind::kTable && (path.ends_with(".csv") || path.ends_with(".tsv"))) {
    return std::make_unique<TableFile>(path, schema);
  }
  check(is_row_file(path), "[output] ", path,
        ": unknown ending; known: .apng, .csv, .gif, .npy, .png, .tsv",
        is_text(schema) ? ", .txt" : "");
  return create_row_file(path, {rows, schema.shape, schema.kind == Kind::kCategory,
                                component_names(schema), schema.origin()});
}

}  // namespace elbo

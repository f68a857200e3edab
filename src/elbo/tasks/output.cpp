#include "elbo/tasks/output.h"

#include <cmath>
#include <set>

#include "elbo/data/row_view.h"
#include "elbo/data/table.h"
#include "elbo/io/animation.h"
#include "elbo/io/csv.h"
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

/// Gathers the rows and writes them as one picture.
class PictureFile : public RowFile {
 public:
  PictureFile(std::string path, const PictureView& view, int64_t rows, int64_t columns,
              RowLabels labels)
      : path_(std::move(path)), view_(view), columns_(columns), labels_(std::move(labels)) {
    check(rows * numel(view.shape()) <= kMostPixels, "[picture] ", path_, ": ", rows,
          " pictures of ", to_string(view.shape()), " are too many for one file; use .npy");
    if (columns_ == 0) columns_ = static_cast<int64_t>(std::ceil(std::sqrt(rows)));
  }
  void append(const Tensor& rows) override { parts_.push_back(rows.detach().to(torch::kCPU)); }
  void commit() override { write_png(path_, labelled_grid(gathered(), columns_, labels_)); }

 protected:
  /// All rows as grey levels or colours in [0, 1].
  Tensor gathered() const { return view_.shades_together(torch::cat(parts_)); }
  const std::string& path() const { return path_; }
  int64_t columns() const { return columns_; }

 private:
  std::string path_;
  PictureView view_;
  int64_t columns_;
  RowLabels labels_;
  std::vector<Tensor> parts_;
};

/// A picture for each row, in a folder.
class PictureFolder : public RowFile {
 public:
  PictureFolder(std::string path, const PictureView& view, RowLabels labels)
      : path_(std::move(path)), view_(view), labels_(std::move(labels)) {}
  void append(const Tensor& rows) override {
    std::filesystem::create_directories(path_);
    const auto shades = view_.shades_together(rows.detach().to(torch::kCPU));
    for (int64_t i = 0; i < shades.size(0); ++i) {
      write_png((path_ / (name_of(next_++) + ".png")).string(),
                image_grid(shades.narrow(0, i, 1), 1));
    }
  }
  void commit() override {}

 private:
  /// "faces/anna.jpeg" as "faces-anna"; numbers where rows have no names, or one comes again.
  std::string name_of(int64_t row) {
    auto name = labels_.of ? std::filesystem::path(labels_.of(row)).replace_extension().string()
                           : std::to_string(row);
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == '/' || c == ' ' || c == '\\'; }, '-');
    if (!names_.insert(name).second) name += "-" + std::to_string(row);
    return name;
  }

  std::filesystem::path path_;
  PictureView view_;
  RowLabels labels_;
  std::set<std::string> names_;
  int64_t next_ = 0;
};

/// The same pictures one column after the other, there and back.
class AnimationFile : public PictureFile {
 public:
  AnimationFile(std::string path, const PictureView& view, int64_t rows, int64_t columns)
      : PictureFile(std::move(path), view, rows, columns > 0 ? columns : rows, {}) {}
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
  TableFile(const std::string& path, const TableView& view, RowLabels labels,
            std::vector<std::string> holes)
      : file_(path),
        delimiter_(path.ends_with(".tsv") ? '\t' : view.delimiter()),
        cells_(view.cells()),
        holes_(std::move(holes)),
        labels_(std::move(labels)) {
    if (!view.header()) return;
    if (labels_.of) file_.write(csv_cell(labels_.column, delimiter_) + delimiter_);
    file_.write(table_header(cells_, delimiter_));
  }
  void append(const Tensor& rows) override {
    std::string text;
    if (labels_.of) {
      for (int64_t i = 0; i < rows.size(0); ++i) {
        text += csv_cell(labels_.of(next_++), delimiter_) + delimiter_;
        append_rows(text, cells_, rows.narrow(0, i, 1).detach(), delimiter_, holes_);
      }
    } else {
      append_rows(text, cells_, rows.detach(), delimiter_, holes_);
    }
    file_.write(text);
  }
  void commit() override { file_.commit(); }

 private:
  AtomicFile file_;
  char delimiter_;
  std::vector<Cells> cells_;
  std::vector<std::string> holes_;
  RowLabels labels_;
  int64_t next_ = 0;
};

/// Texts as lines.
class TextFile : public RowFile {
 public:
  TextFile(const std::string& path, TextView view) : file_(path), view_(std::move(view)) {}
  void append(const Tensor& rows) override {
    std::string lines;
    for (const auto& text : view_.texts(rows)) lines += text + '\n';
    file_.write(lines);
  }
  void commit() override { file_.commit(); }

 private:
  AtomicFile file_;
  const TextView view_;
};

/// Texts that a result shows.
class ShownTexts : public RowFile {
 public:
  explicit ShownTexts(TextView view) : view_(std::move(view)) {}
  void append(const Tensor& rows) override {
    for (auto& text : view_.texts(rows)) texts_.push_back(std::move(text));
  }
  void commit() override {}
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  const TextView view_;
  std::vector<std::string> texts_;
};

/// The files that only one kind of rows can go to, by their endings; nullptr for any other ending.
struct OwnFile {
  using Made = std::unique_ptr<RowFile>;
  const std::string& path;
  const Schema& schema;
  int64_t rows, columns;
  const RowLabels& labels;

  Made operator()(const PictureView& view) const {
    if (is_png(path)) return std::make_unique<PictureFile>(path, view, rows, columns, labels);
    if (is_folder(path)) return std::make_unique<PictureFolder>(path, view, labels);
    if (!is_animation_name(path)) return nullptr;
    return std::make_unique<AnimationFile>(path, view, rows, columns);
  }
  Made operator()(const MoleculeView& view) const {
    if (is_molecule_file(path)) return create_molecule_file(path, view, columns);
    return (*this)(static_cast<const TextView&>(view));
  }
  Made operator()(const TextView& view) const {
    if (path.empty()) return std::make_unique<ShownTexts>(view);
    return path.ends_with(".txt") ? std::make_unique<TextFile>(path, view) : nullptr;
  }
  Made operator()(const TableView& view) const {
    const bool text = path.ends_with(".csv") || path.ends_with(".tsv");
    return text ? std::make_unique<TableFile>(path, view, labels, hole_words(schema)) : nullptr;
  }
  Made operator()(const NumberView&) const { return nullptr; }
};

/// The ending of a file that nobody has named; texts go to none.
std::string usual_ending(const Schema& schema) {
  return std::visit(
      Cases{[](const PictureView&) { return ".png"; }, [](const MoleculeView&) { return ".smi"; },
            [](const TextView&) { return ""; }, [](const TableView&) { return ".csv"; },
            [](const NumberView& v) { return v.shape().size() == 1 ? ".csv" : ".npy"; }},
      view_of(schema));
}

}  // namespace

std::string free_path(const std::string& name, const std::filesystem::path& folder) {
  const auto path = folder / name;
  std::error_code ignored;
  auto found = path.string();
  for (int64_t k = 2; std::filesystem::exists(found, ignored); ++k) {
    const auto numbered =
        path.stem().string() + "-" + std::to_string(k) + path.extension().string();
    found = (path.parent_path() / numbered).string();
  }
  return found;
}

std::string output_path(const TaskInput& input, const std::string& name) {
  return input.out.empty() ? free_path(name, input.folder) : input.out.string();
}

std::string output_path(const TaskInput& input, const std::string& name, const Schema& schema) {
  const auto ending = usual_ending(schema);
  return input.out.empty() && ending.empty() ? "" : output_path(input, name + ending);
}

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return path.ends_with('/') || std::filesystem::is_directory(path, ignored);
}

Json written(const RowFile& file, const std::string& path) {
  const auto* shown = dynamic_cast<const ShownTexts*>(&file);
  return shown ? Json{{"text", shown->texts()}} : Json{{"file", path}};
}

std::unique_ptr<RowFile> create_output(const std::string& path, const Schema& schema, int64_t rows,
                                       int64_t columns, RowLabels labels) {
  if (auto own = std::visit(OwnFile{path, schema, rows, columns, labels}, view_of(schema)))
    return own;
  check(!is_folder(path), "[output] ", path, ": a folder takes pictures, rows of shape ",
        to_string(schema.shape), " go to a file");
  check(!is_png(path) && !is_animation_name(path), "[picture] ", path, ": rows of shape ",
        to_string(schema.shape), " are not pictures; use .npy or .csv");
  check(is_row_file(path), "[output] ", path,
        ": unknown ending; known: .apng, .csv, .gif, .npy, .png, .tsv",
        TextView::shows(schema) ? ", .txt" : "");
  return create_row_file(path, {rows,
                                schema.shape,
                                schema.kind == Kind::kCategory,
                                component_names(schema),
                                schema.origin(),
                                {},
                                labels.of,
                                labels.column});
}

}  // namespace elbo

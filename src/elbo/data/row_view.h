#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "elbo/data/column.h"
#include "elbo/data/schema.h"

// How rows look to people. view_of() decides it for each kind of data, and nothing else does: what
// shows rows, writes them to files, names their numbers or compares them is a visitor of the view,
// with one case for each kind of it:
//
//   std::visit(Cases{[](const PictureView& v) { … }, [](const TextView& v) { … }, …},
//   view_of(schema))

namespace elbo {

class TextCodec;

/// Grey levels (one channel) or colours (three) of height x width.
class PictureView {
 public:
  static bool shows(const Schema& schema);
  explicit PictureView(const Schema& schema) : shape_(schema.shape), kind_(schema.kind) {}
  const Shape& shape() const { return shape_; }  // channels x height x width
  /// [N, C, H, W] in [0, 1]: values of kind real and count are stretched, each row from its
  /// smallest to its largest.
  Tensor shades(const Tensor& x) const;
  /// The same with one stretch for all rows, which are seen together.
  Tensor shades_together(const Tensor& x) const;
  /// [N, C, H, W] as one picture of this many columns: [C, H', W'] bytes.
  Tensor grid(const Tensor& x, int64_t columns) const;
  /// Pictures [N, 1 or 3, H, W] in [0, 1] as a model of these rows reads them: [N, C, H, W], bits
  /// where it reads bits.
  Tensor read(const Tensor& shades) const;

 private:
  Shape shape_;
  Kind kind_;
};

/// Texts of tokens; molecules are texts, too.
class TextView {
 public:
  static bool shows(const Schema& schema);
  explicit TextView(const Schema& schema);
  /// Of rows of ids [N, T].
  std::vector<std::string> texts(const Tensor& ids) const;

 private:
  std::shared_ptr<const TextCodec> codec_;
};

/// Molecules written as tokens of SMILES or SELFIES; their texts are SMILES.
class MoleculeView : public TextView {
 public:
  static bool shows(const Schema& schema);
  using TextView::TextView;
};

/// Named cells, each column with a type and a spelling of its own.
class TableView {
 public:
  static bool shows(const Schema& schema);
  explicit TableView(const Schema& schema);
  const std::vector<Cells>& cells() const { return cells_; }
  std::vector<std::string> names() const;
  /// Whether the file that it was learned from named its columns, and what separated its cells.
  bool header() const { return header_; }
  char delimiter() const { return delimiter_; }

 private:
  std::vector<Cells> cells_;
  bool header_;
  char delimiter_;
};

/// Numbers, and the names of their last axis where they have any.
class NumberView {
 public:
  explicit NumberView(const Schema& schema);
  const Shape& shape() const { return shape_; }
  const std::vector<std::string>& names() const { return names_; }
  /// Schema::origin(): what rows in memory lack.
  const Tensor& origin() const { return origin_; }

 private:
  Shape shape_;
  std::vector<std::string> names_;
  Tensor origin_;
};

using RowView = std::variant<PictureView, MoleculeView, TableView, TextView, NumberView>;
RowView view_of(const Schema& schema);

/// The cases of a visitor, as functions. A case for texts serves molecules that have none of their
/// own; a case for anything (auto) would take these away from it, and is not used.
template <class... F>
struct Cases : F... {
  using F::operator()...;
};
template <class... F>
Cases(F...) -> Cases<F...>;

}  // namespace elbo

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/core/options.h"
#include "elbo/core/random.h"
#include "elbo/core/registry.h"
#include "elbo/core/tensor.h"
#include "elbo/data/schema.h"

namespace ELBO_API elbo {

/// Rows as a model reads them, all float32 but y.
struct Batch {
  Tensor x;                  // [B, …] the data; a byte is in [0, 1], value/255
  Tensor mask;               // like x, 1 = observed; undefined = all of it
  Tensor c;                  // [B, …] condition; undefined = none
  Tensor y;                  // [B] int64, label to infer, -1 = unknown; undefined = none
  Tensor target = Tensor();  // [B, k] properties to predict, NaN = unknown; undefined = none
  Tensor rows = Tensor();    // [B] int64, places in the training set; undefined outside of training

  int64_t size() const { return x.size(0); }
};
/// x with NaN in the cells that the mask hides: what encoders read.
Tensor observed(const Batch& batch);
/// Rows [from, to).
Batch slice(const Batch& batch, int64_t from, int64_t to);
/// The rows that an int64 tensor names.
Batch pick(const Batch& batch, const Tensor& rows);

/// A cell that a model cannot read: a word, a grade or a sign that training has not seen.
struct OddCell {
  int64_t component = -1;  // of x; -1: a column that the model does not read, for it was constant
  std::string name, text;
  std::string expected = {};  // of a constant
};

/// What becomes of such cells: an Error, missing cells that odd_cells() lists, or the same with the
/// text of every cell, changed constants and further classes of the label.
enum class OddCells { kRefused, kMissing, kQuoted };

class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  /// The rows named by an int64 tensor; `draw` decides what is random about them (binarization).
  virtual Batch get(const Tensor& rows, const Draw& draw = {}) const = 0;
  virtual Schemas schemas() const = 0;
  /// [N, k] known generating factors (for disentanglement), or undefined.
  virtual Tensor factors() const { return Tensor(); }
  /// [N] float64, how much each row counts, from 0; undefined = all the same.
  virtual Tensor weights() const { return Tensor(); }
  /// Where row r came from (a file, a line), for messages and tables.
  virtual std::string row_name(int64_t row) const { return std::to_string(row); }
  /// Cells of row r that the model cannot read; they count as missing.
  virtual std::vector<OddCell> odd_cells(int64_t) const { return {}; }
  /// What the source says at a component of x in row r; "" where it is not kept.
  virtual std::string cell_text(int64_t, int64_t) const { return ""; }
};
using Data = std::shared_ptr<const Dataset>;

/// All rows in memory in their own type (uint8 stays uint8).
struct Arrays {
  Tensor x, mask, c, y, factors, target;
  Schemas schemas;
  std::vector<std::string> names;
};
Data in_memory(Arrays arrays);
/// The given rows of another data set.
Data subset(Data data, std::vector<int64_t> rows);
/// `most` rows of another data set, drawn by the key; all of them where there are no more.
Data some_rows(Data data, int64_t most, uint64_t key);
/// As many rows as there are, each as often as its weight asks for: evenly spaced draws, moved by
/// the key. The data themselves where they have no weights.
Data counted_rows(Data data, uint64_t key);
Data concat(std::vector<Data> parts);
/// Every row once, in blocks of at most `block`: f(batch, first_row).
void for_each_batch(const Dataset& data, int64_t block, const Draw& draw,
                    const std::function<void(const Batch&, int64_t)>& f);

/// Turns byte rows into binary ones: dynamic, static, threshold. `none` keeps them.
Data binarized(Data data, const std::string& how);

}  // namespace elbo

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

/// What every reader understands; one that has no use for a setting other than its default
/// raises an Error.
struct DataOptions {
  std::string split = "train";
  std::string binarize = "auto";
  std::string resize = {};
  int64_t rows = 0;
  int64_t seed = 0;
  std::string condition = "none";
  std::string labels = {};
  int64_t labels_per_class = 0, label_seed = 0;
  std::string without = {};
  Json reader = Json::object();
  /// What the data must look like, where a model knows it already: a reader that would find types
  /// out by itself takes them from here.
  std::shared_ptr<const Schemas> like = nullptr;
  /// Tables: cells that `like` cannot read.
  OddCells odd = OddCells::kRefused;
  template <class F>
  void fields(F&& f) {
    f("split", split, "part of the data to read", one_of({"train", "test", "all"}));
    f("binarize", binarize,
      "how grey levels become bits: dynamic (resampled each epoch), static (sampled once), "
      "threshold (at 1/2) or none",
      one_of({"auto", "dynamic", "static", "threshold", "none"}));
    f("resize", resize, "size to which images are resized, HEIGHTxWIDTH, e.g. 64x64");
    f("rows", rows, "number of rows to use, from the first (0 = all)", at_least(0));
    f("seed", seed, "seed of built-in data", at_least(0));
    f("condition", condition,
      "condition of the model (label = every part of the model reads the row's class)",
      one_of({"none", "label"}));
    f("labels", labels,
      "CSV or NPY file with the class of each training row, in place of the data's own (empty or "
      "-1 = not known)");
    f("labels_per_class", labels_per_class,
      "labels to keep per class, chosen at random; the rest are hidden (0 = keep all)",
      at_least(0));
    f("label_seed", label_seed, "seed for labels_per_class", at_least(0));
    f("without", without, "file written by elbo score; training rows with an alarm are left out");
    f("reader", reader, "reader-specific options (rejected by other readers)");
  }
};

/// Reads one kind of source.
class Reader {
 public:
  virtual ~Reader() = default;
  /// Whether a path without a "name:" in front is this reader's.
  virtual bool accepts(const std::string& path) const = 0;
  virtual Data open(const std::string& path, const DataOptions& options) const = 0;
  /// Whether the source holds a test part of its own.
  virtual bool has_test(const std::string&) const { return false; }
  /// Whether it holds a part to validate by: what split "val" reads.
  virtual bool has_validation(const std::string&) const { return false; }
};
Registry<Reader>& readers();
/// The options that single readers have beside DataOptions, each name once.
std::vector<OptionHelp> reader_options();

/// DATA of the command line: "reader:path", or a path that a reader accepts.
/// A relative path that does not exist is also looked for under $ELBO_DATA.
Data open_data(const std::string& text, const DataOptions& options);
bool has_test_split(const std::string& text);
bool has_validation_split(const std::string& text);
/// Where DATA lies: without a reader's name, under $ELBO_DATA where it is found there.
std::string data_path(const std::string& text);
/// Turns byte rows into binary ones: dynamic, static, threshold. `none` keeps them.
Data binarized(Data data, const std::string& how);
/// [N] labels of all rows, or undefined.
Tensor labels_of(const Dataset& data);
/// Labels [rows] from the column "class" or "label" of a CSV file, else its first, or from an NPY
/// file: one of the names, its number, or nothing or -1 where it is not known. Raises an Error for
/// anything else.
Tensor read_labels(const std::string& path, const std::vector<std::string>& names, int64_t rows);
/// The classes that such a file tells of, for data that have none: 0 to the largest number where 0
/// is one, else the numbers or names in their order.
std::vector<std::string> label_names(const std::string& path);
/// The data with the labels of a file; the classes are those of `known` where it has any.
Data with_labels(Data data, const std::string& path, const Schemas* known = nullptr);
/// Labels of `per_class` rows of each class, drawn with the seed; the others become unknown. Raises
/// an Error where a class has fewer.
Data few_labels(Data data, int64_t per_class, int64_t seed);
/// The data without the rows that have an alarm in a file of scores: a CSV with a column "alarm" of
/// 0 and 1, or an NPY file whose last column it is. Raises an Error where the rows do not agree.
Data without_alarms(Data data, const std::string& path);
/// The label of each row as its condition, one-hot. Raises an Error where a row has none.
Data label_as_condition(Data data);

}  // namespace elbo

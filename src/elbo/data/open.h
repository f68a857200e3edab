#pragma once

#include <memory>
#include <string>
#include <vector>

#include "elbo/data/dataset.h"

// How data are opened: readers by name, and the options that all of them understand.

namespace ELBO_API elbo {

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

}  // namespace elbo

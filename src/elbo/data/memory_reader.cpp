#include "elbo/data/memory_source.h"
#include "elbo/data/open.h"
#include "elbo/data/reader.h"

namespace elbo {
namespace {

struct MemoryOptions {
  std::string kind = "auto", types, missing, weight;
  int64_t most_classes = 1000;
  template <class F>
  void fields(F&& f) {
    f("kind", kind,
      "kind of the values (real = real numbers, even where all lie within [0, 1] or are whole)",
      one_of({"auto", "real"}));
    f("types", types,
      "column types to set instead of inferring, e.g. \"age=count,city=category,id=ignore\"");
    f("missing", missing, "further words for a missing cell, separated by commas");
    f("weight", weight,
      "column that says how much a row counts in loss and evaluation: a number from 0 in each row");
    f("most_classes", most_classes, "most classes of one column; rarer values are merged into one",
      between(2, 100000));
  }
};

/// What a program that uses the library has given a name; the program elbo itself has none.
class MemoryReader : public Reader {
 public:
  explicit MemoryReader(MemoryOptions options) : options_(std::move(options)) {}

  bool accepts(const std::string&) const override { return false; }

  Data open(const std::string& path, const DataOptions& options) const override {
    const auto source = memory_source(path);
    check(source != nullptr, "[memory] ", path,
          ": the rows were in the memory of another program, or have been freed; name the data");
    if (!source->x.defined()) {
      check(options_.kind == "auto", "[memory] ", path, ": kind applies to arrays, not to a table");
      return readers().find("table").make(options.reader)->open(path, options);
    }
    check(options_.types.empty() && options_.missing.empty() && options_.weight.empty(),
          "[memory] ", path, ": types, missing and weight apply to tables, not to an array");
    refuse_test(options, path);
    Arrays arrays;
    set_x(arrays, source->x, options, path);
    if (source->labels.defined())
      set_labels(arrays, source->labels, Tensor(), path, options.like.get());
    return with_binarization(in_memory(std::move(arrays)), options, "none");
  }

 private:
  MemoryOptions options_;
};

const bool memory_reader_added = readers().add<MemoryOptions>(
    "memory", "arrays and tables of a program that uses the library (memory:NAME)",
    [](const MemoryOptions& o) { return std::make_shared<MemoryReader>(o); });

}  // namespace
}  // namespace elbo

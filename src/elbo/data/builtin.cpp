#include "elbo/data/builtin.h"

#include "elbo/data/open.h"

namespace elbo {
namespace {

class Builtin : public Reader {
 public:
  bool accepts(const std::string&) const override { return false; }
  bool has_test(const std::string&) const override { return true; }
  Data open(const std::string& path, const DataOptions& options) const override {
    return builtins().find(path).make(options, Json::object());
  }
};

const bool builtin_added =
    readers().add<NoOptions>("builtin", "built-in data sets, e.g. builtin:digits",
                             [](const NoOptions&) { return std::make_shared<Builtin>(); });

}  // namespace

Registry<const Dataset, const DataOptions&>& builtins() {
  static Registry<const Dataset, const DataOptions&> registry("builtin");
  return registry;
}

Data make_parts(const std::string& name, const DataOptions& options, int64_t train, int64_t test,
                const std::function<Data(const MadePart&)>& make) {
  const Draw draw{static_cast<uint64_t>(options.seed)};
  const auto part = [&](const std::string& split, int64_t rows) {
    return make({split, rows, draw.key(name + " " + split)});
  };
  const int64_t all = train + test;
  if (options.split == "train") return part("train", options.rows ? options.rows : train);
  if (options.split == "test") return part("test", options.rows ? options.rows : test);
  const int64_t rows = options.rows ? options.rows : all;
  const int64_t first = std::max<int64_t>(1, rows * train / all);
  if (first == rows) return part("train", rows);
  return concat({part("train", first), part("test", rows - first)});
}

}  // namespace elbo

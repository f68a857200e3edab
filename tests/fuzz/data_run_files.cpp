#include "elbo/data/open.h"
#include "elbo/data/row_view.h"
#include "elbo/data/stored_schema.h"
#include "elbo/data/tokenizer.h"
#include "elbo/io/json_text.h"
#include "fuzz/harness.h"

// Files of a run, as far as they say how data are read.

namespace elbo::fuzzing {
namespace {

void read_schema(std::string_view bytes) {
  const auto schema = stored_schema(parse_json(bytes, "fuzz"), "fuzz");
  constexpr int64_t kMostNumbers = 1 << 16;
  if (numel(schema.shape) > kMostNumbers) return;
  schema.units();
  schema.origin();
  schema.missing();
  schema.notes();
  class_names(schema);
  to_json(schema);
  if (schema.kind != Kind::kToken) return;
  const TextCodec codec(schema);
  const auto ids = codec.encode("a few words");
  must(codec.decode(torch::zeros({codec.steps()}, torch::kInt32)).empty(), "text out of nothing");
}

/// "data" of spec.json.
void read_data_options(std::string_view bytes) {
  const auto options = read_options<DataOptions>(parse_json(bytes, "fuzz"), "fuzz");
  for (const auto& reader : readers().entries()) reader.make(options.reader);
}

const bool run_files_fuzzed =
    add_harness("schema", read_schema) && add_harness("spec", read_data_options);

}  // namespace
}  // namespace elbo::fuzzing

#include "elbo/export/autoencoder_config.h"
#include "elbo/export/autoencoder_file.h"
#include "elbo/io/json_text.h"
#include "fuzz/harness.h"

// Files of published image autoencoders.

namespace elbo::fuzzing {
namespace {

void read_published_config(std::string_view bytes) {
  const auto config = read_autoencoder_config(parse_json(bytes, "fuzz"), "fuzz");
  const auto text = autoencoder_config_text(config);
  const auto again = read_autoencoder_config(parse_json(text, "fuzz"), "fuzz");
  must(autoencoder_spec(again) == autoencoder_spec(config),
       "a config that was written reads as something else");
}

/// A single file of weights, read by its names.
void read_published_weights(std::string_view bytes) {
  const auto file = read_autoencoder_file(file_of(bytes, ".safetensors"), "");
  guess_autoencoder_config(file.tensors, "fuzz");
}

const bool published_added = add_harness("published_config", read_published_config) &&
                             add_harness("published_weights", read_published_weights);

}  // namespace
}  // namespace elbo::fuzzing

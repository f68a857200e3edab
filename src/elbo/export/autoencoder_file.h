#pragma once

#include <string>

#include "elbo/core/options.h"
#include "elbo/export/autoencoder_names.h"
#include "elbo/io/safetensors.h"

namespace elbo {

/// The content of a published image autoencoder's files, as they lie there.
struct AutoencoderFile {
  std::string where, config_text;  // no config: ""
  std::string prefix;              // taken off the names, e.g. "first_stage_model."
  NamedTensors tensors;            // of the autoencoder alone
  TextMap metadata;
};

/// A diffusers folder (config.json; .safetensors, in half precision or several parts too) or a
/// single .safetensors file, which may hold other networks beside. Pickles are refused, with the
/// way to convert them. `config`: a config.json that lies elsewhere; "" = the folder's own.
AutoencoderFile read_autoencoder_file(const std::string& path, const std::string& config);

}  // namespace elbo

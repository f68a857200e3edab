#pragma once

#include <string>
#include <vector>

#include "elbo/core/options.h"
#include "elbo/core/tensor.h"

namespace elbo {

/// What the config.json of a published image autoencoder says. Fields that it lacks have the values
/// that diffusers gives them.
struct AutoencoderConfig {
  std::string class_name = "AutoencoderKL";
  std::vector<int64_t> channels{64}, decoder_channels;  // the decoder's own; empty = the same
  int64_t blocks = 1, groups = 32, pictures = 3, latent = 4, side = 32;
  std::vector<int64_t> encoder_blocks, decoder_blocks;  // of a tiny one, at each resolution
  bool attention = true, quant = true, post_quant = true;
  double scaling = 0.18215, shift = 0;
  std::vector<double> mean, deviation;  // of latents, one for each channel; empty = none
  double norm_epsilon = 1e-4;           // of codes whose patches are normalised

  bool tiny() const { return class_name == "AutoencoderTiny"; }
  int64_t factor() const {
    return int64_t{1} << ((tiny() ? encoder_blocks.size() : channels.size()) - 1);
  }
};

/// Raises an Error that names `where` and the field which no network here has.
AutoencoderConfig read_autoencoder_config(const Json& config, const std::string& where);
/// The one that these tensors' names and shapes tell; scaling and groups are diffusers' own.
AutoencoderConfig guess_autoencoder_config(const NamedTensors& tensors, const std::string& where);
/// The text of a config.json with all fields.
std::string autoencoder_config_text(const AutoencoderConfig& config);

/// The spec of the model, and back, for pictures of this shape; an Error where a run is of another
/// kind.
Json autoencoder_spec(const AutoencoderConfig& config);
AutoencoderConfig autoencoder_config_of(const Json& spec, const Json& latents, const Shape& picture,
                                        const std::string& where);

}  // namespace elbo

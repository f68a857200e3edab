#pragma once

#include <memory>

#include "elbo/export/autoencoder_config.h"
#include "elbo/export/autoencoder_file.h"
#include "elbo/train/run.h"

namespace elbo {

/// A published image autoencoder as a model of this program, and what is needed to write it back.
struct ImportedAutoencoder {
  std::shared_ptr<Model> model;
  Json facts;  // of a run
  Schemas schemas;
  std::vector<std::string> notes;  // what was assumed
};
/// What a file without a config does not tell; unset = diffusers' default, with a note.
struct ImportChoice {
  std::optional<double> scaling, shift;
  std::optional<int64_t> side;  // of the pictures that commands other than encode and decode read
};
/// Every tensor finds its place, or an Error names the first that is unknown, missing, of another
/// shape or not finite.
ImportedAutoencoder import_autoencoder(const AutoencoderFile& file, const ImportChoice& choice);

/// The same weights as files: a diffusers folder (config.json and one .safetensors), or a single
/// file with latent diffusion's names. Types, names and config are those that were read; `type`
/// (F32, F16, BF16; "" = as read, F32 for a model trained here) sets another. Returns their paths.
Json write_diffusers(const Run& run, const Model& model, const std::string& folder,
                     const std::string& type);
Json write_ldm(const Run& run, const Model& model, const std::string& path,
               const std::string& type);

}  // namespace elbo

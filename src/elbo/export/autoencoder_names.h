#pragma once

#include <string>

namespace elbo {

/// How a file names the tensors of an image autoencoder: as diffusers does, as it did before 0.17
/// (query, key, value, proj_attn), or as latent diffusion's own code does.
enum class Naming { kDiffusers, kOld, kLdm };

const char* to_string(Naming naming);
/// The naming of that word; an Error where there is none.
Naming naming_of(const std::string& word);

/// The name in a file of a tensor that diffusers calls `name`; `levels`: number of resolutions,
/// which latent diffusion counts from the picture on both sides; `nested`: its quant convolutions
/// lie within the sides.
std::string name_in(Naming naming, const std::string& name, size_t levels, bool nested = false);
/// Whether that tensor is a matrix which latent diffusion keeps as a 1x1 convolution.
bool is_attention_matrix(const std::string& name);

/// What a parameter of a run is called by diffusers; "" where it belongs to no side.
std::string published_name(const std::string& parameter);

}  // namespace elbo

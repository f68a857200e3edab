#pragma once

#include <string>

#include "elbo/tasks/task.h"

namespace elbo {

/// Pictures of any size to latents as a diffusion model reads them, one after the other. `out` of
/// the input: a folder takes a .safetensors file for each picture, which knows the picture's size;
/// a .npy file holds all, of one size.
Json encode_latents(const TaskInput& input, bool draw, const std::string& memory);
/// And back: a .safetensors or .npy file, or a folder of them, to a .png or a folder of such; a
/// .npy file takes the numbers.
Json decode_latents(const TaskInput& input, const std::string& memory);

}  // namespace elbo

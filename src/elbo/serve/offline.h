#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "elbo/train/run.h"

namespace elbo {

/// The explorer as one page that needs no server: it carries the run's encoder and decoder as ONNX
/// graphs and what computes them, ONNX Runtime Web. `runtime` is that package's dist folder; empty
/// = node_modules/onnxruntime-web/dist of this folder. Raises an Error where the files are not
/// there, or the run's rows or its decoder cannot be shown that way.
std::string offline_explorer(const std::shared_ptr<const Run>& run, std::filesystem::path runtime);

}  // namespace elbo

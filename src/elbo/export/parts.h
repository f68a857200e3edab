#pragma once

#include <filesystem>

#include "elbo/export/record.h"
#include "elbo/model/model.h"

namespace elbo {

/// A part of a model that other programs can run.
///   encoder   x → SITE_mean and SITE_log_variance of every latent variable, or SITE alone where
///             nothing is uncertain; y_probs where there are classes
///   decoder   values of the latent variables → mean and deviation of x, and the parameters of
///             its likelihood; features, what the likelihood reads, where the mean of x takes a
///             draw of one component after the other
///   sampler   noise → x as `elbo sample` draws it: the mean of p(x|z) for pictures, else a draw;
///             mean, where draws of x cannot be exported
/// A model with a condition has the input c as well.
struct ModelPart {
  std::string name, about;
  std::vector<RecordedInput> inputs;
  Computation compute;
  Computation instead = nullptr;  // less, where `compute` cannot be exported
};
std::vector<ModelPart> model_parts(const std::shared_ptr<Model>& model, const Schemas& schemas);

/// One part as an ONNX graph. Raises an Error naming what cannot be exported.
struct ExportedPart {
  OnnxGraph graph;
  Computation compute;  // what the graph does
  std::string note;     // why it is less than the part; empty = it is all of it
};
ExportedPart export_part(Model& model, const ModelPart& part);

/// Writes encoder.onnx, decoder.onnx and sampler.onnx into a folder. Returns {"files": […],
/// "left_out": {part: why}},
/// where a part that gives less than it might stands in both; raises an Error where no part could
/// be written. `facts` go into every file.
Json export_onnx(const std::shared_ptr<Model>& model, const Schemas& schemas,
                 const std::filesystem::path& folder, const Json& facts);

}  // namespace elbo

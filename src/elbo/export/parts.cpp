#include "elbo/export/parts.h"

#include "elbo/export/translation.h"
#include "elbo/io/file.h"
#include "elbo/model/codes.h"
#include "elbo/model/only_read.h"

namespace elbo {
namespace {

RecordedInput example(const std::string& name, const Shape& shape,
                      torch::ScalarType type = torch::kFloat32) {
  return {name, torch::zeros(with_rows(kManyRows, shape), type)};
}

bool certain(const Tensor& deviation) {
  return deviation.isnan().any().item<bool>() || (deviation == 0).all().item<bool>();
}

/// Of every latent variable, as `encode` has them.
ModelPart encoder(const std::shared_ptr<Model>& model, const Schemas& schemas,
                  const CodeLayout& layout) {
  ModelPart part{"encoder", "x to its latent variables", {example("x", schemas.x.shape)}, nullptr};
  const bool with_c = schemas.c.present();
  if (with_c) part.inputs.push_back(example("c", schemas.c.shape));
  part.compute = [=](const std::vector<Tensor>& in, int64_t rows) {
    const Batch batch{in[0], Tensor(), with_c ? in[1] : Tensor(), Tensor()};
    const auto codes = encode_batch(*model, layout, batch);
    NamedTensors out;
    for (const auto& site : layout.parts) {
      const auto shape = with_rows(rows, site.shape);
      const auto of_site = [&](const Tensor& t) {
        return t.narrow(1, site.offset, site.size).reshape(shape);
      };
      const auto mean = of_site(codes.mean), deviation = of_site(codes.deviation);
      const bool alone = certain(deviation);
      out.emplace_back(alone ? site.site : site.site + "_mean", mean);
      if (!alone) out.emplace_back(site.site + "_log_variance", 2 * deviation.log());
    }
    const auto probs = model->latent->class_probs(batch);
    if (probs.defined()) out.emplace_back("y_probs", probs);
    return out;
  };
  return part;
}

Values fixed_sites(const CodeLayout& layout, const std::vector<Tensor>& in) {
  Values fixed;
  for (size_t i = 0; i < layout.parts.size(); ++i) fixed[layout.parts[i].site] = in[i];
  return fixed;
}

ModelPart decoder(const std::shared_ptr<Model>& model, const Schemas& schemas,
                  const CodeLayout& layout) {
  ModelPart part{"decoder", "latent variables to the distribution of x", {}, nullptr};
  for (const auto& site : layout.parts) {
    part.inputs.push_back(example(site.site, site.shape, site.type));
  }
  const bool with_c = schemas.c.present();
  if (with_c) part.inputs.push_back(example("c", schemas.c.shape));
  part.compute = [=](const std::vector<Tensor>& in, int64_t rows) {
    const auto c = with_c ? in.back() : Tensor();
    const auto x = model->generate(rows, c, fixed_sites(layout, in)).x;
    NamedTensors out{{"mean", x->mean()}};
    const auto deviation = x->stddev();
    if (deviation.defined()) out.emplace_back("deviation", deviation);
    for (const auto& [name, value] : x->parameters()) {
      const bool taken = name == "mean" || name == "deviation";
      out.emplace_back(taken ? "parameter_" + name : name, value);
    }
    return out;
  };
  part.instead = [=](const std::vector<Tensor>& in, int64_t rows) {
    const auto c = with_c ? in.back() : Tensor();
    const auto code = model->latent->generate(rows, c, fixed_sites(layout, in)).code;
    return NamedTensors{{"features", model->decoder->forward(code, c)}};
  };
  return part;
}

ModelPart sampler(const std::shared_ptr<Model>& model, const Schemas& schemas) {
  ModelPart part{"sampler", "noise to x", {}, nullptr};
  const bool with_c = schemas.c.present();
  if (with_c) part.inputs.push_back(example("c", schemas.c.shape));
  const auto& shape = schemas.x.shape;
  const bool picture = shape.size() == 3 && (shape[0] == 1 || shape[0] == 3);
  part.compute = [=](const std::vector<Tensor>& in, int64_t rows) {
    const auto x = model->generate(rows, with_c ? in[0] : Tensor()).x;
    return NamedTensors{{"x", picture ? x->mean() : x->sample()}};
  };
  part.instead = [=](const std::vector<Tensor>& in, int64_t rows) {
    return NamedTensors{{"mean", model->generate(rows, with_c ? in[0] : Tensor()).x->mean()}};
  };
  return part;
}

Json described(const std::vector<OnnxValue>& values) {
  Json list = Json::array();
  for (const auto& value : values) {
    std::string sizes;
    for (const auto& size : value.sizes) sizes += (sizes.empty() ? "" : " x ") + size;
    list.push_back({{"name", value.name}, {"shape", sizes}, {"type", torch::toString(value.type)}});
  }
  return list;
}

}  // namespace

std::vector<ModelPart> model_parts(const std::shared_ptr<Model>& model, const Schemas& schemas) {
  const auto layout = code_layout(*model, schemas);
  return {encoder(model, schemas, layout), decoder(model, schemas, layout),
          sampler(model, schemas)};
}

ExportedPart export_part(Model& model, const ModelPart& part) {
  const OnlyRead scope(model);
  ExportedPart exported{{}, part.compute, ""};
  try {
    exported.graph = record(part.name, part.inputs, part.compute);
  } catch (const Error& error) {
    if (!part.instead) throw;
    exported = {record(part.name, part.inputs, part.instead), part.instead, error.what()};
  }
  exported.graph.about = part.about;
  return exported;
}

Json export_onnx(const std::shared_ptr<Model>& model, const Schemas& schemas,
                 const std::filesystem::path& folder, const Json& facts) {
  Json files = Json::array(), left_out = Json::object();
  std::string reasons;
  for (const auto& part : model_parts(model, schemas)) {
    try {
      auto [graph, compute, note] = export_part(*model, part);
      if (!note.empty()) left_out[part.name + ": all of it"] = note;
      for (const auto& [key, value] : facts.items()) {
        graph.facts.emplace_back(key, value.is_string() ? value.get<std::string>() : value.dump());
      }
      const auto bytes = onnx_file(graph);
      std::filesystem::create_directories(folder);
      const auto path = folder / (part.name + ".onnx");
      write_file_atomic(path.string(), bytes);
      files.push_back({{"file", path.string()},
                       {"bytes", bytes.size()},
                       {"nodes", graph.nodes.size()},
                       {"inputs", described(graph.inputs)},
                       {"outputs", described(graph.outputs)}});
    } catch (const Error& error) {
      left_out[part.name] = error.what();
      reasons += std::string(reasons.empty() ? "" : "; ") + part.name + ": " + error.what();
    }
  }
  check(!files.empty(), "[export] no part can be written: ", reasons);
  return {{"files", files}, {"left_out", left_out}};
}

}  // namespace elbo

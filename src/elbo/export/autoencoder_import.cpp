#include "elbo/export/autoencoder_import.h"

#include <map>

#include "elbo/core/allocation_bound.h"
#include "elbo/io/json_text.h"
#include "elbo/model/spec.h"
#include "elbo/train/options.h"

namespace elbo {
namespace {

constexpr int64_t kSmallNetwork = int64_t{1} << 28;

using TensorMap = std::map<std::string, Tensor>;

std::string of_more(size_t more) {
  return more == 0 ? "" : " (and " + std::to_string(more) + " more)";
}

Naming naming_in(const TensorMap& tensors) {
  if (tensors.count("encoder.down.0.block.0.conv1.weight")) return Naming::kLdm;
  const bool old = tensors.count("encoder.mid_block.attentions.0.query.weight") > 0;
  return old ? Naming::kOld : Naming::kDiffusers;
}

/// Takes parameters out of a file's tensors.
class Taker {
 public:
  Taker(const AutoencoderFile& file, const AutoencoderConfig& config)
      : file_(file), levels_(config.channels.size()) {
    for (const auto& [name, tensor] : file.tensors) {
      check(left_.emplace(name, tensor).second, "[import] ", file.where, ": holds ", name,
            " twice");
    }
    naming_ = naming_in(left_);
    nested_ =
        left_.count("encoder.quant_conv.weight") + left_.count("decoder.post_quant_conv.weight");
  }

  Naming naming() const { return naming_; }
  bool nested() const { return nested_; }
  const std::map<std::string, std::string>& types() const { return types_; }

  void take(const std::string& name, Tensor parameter) {
    const auto own = name_in(naming_, name, levels_, nested_);
    auto tensor = taken(own);
    if (!tensor.defined()) {
      missing_.push_back(file_.prefix + own);
      return;
    }
    const auto shape = tensor.sizes().vec();
    if (parameter.dim() == 2 && tensor.dim() == 4 && tensor.size(2) == 1 && tensor.size(3) == 1) {
      tensor = tensor.flatten(1);
    }
    check(tensor.sizes() == parameter.sizes(), "[import] ", file_.where, ": ", file_.prefix, own,
          " has shape ", to_string(shape), ", config and the other weights ask for ",
          to_string(parameter.sizes().vec()));
    types_[name] = type_of(tensor, own);
    parameter.copy_(tensor);
    check(parameter.isfinite().all().item<bool>(), "[import] ", file_.where, ": ", file_.prefix,
          own, " holds numbers that are not finite",
          tensor.scalar_type() == torch::kFloat16 ? " (beyond the range of half precision)" : "");
  }

  /// A tensor that is no parameter.
  Tensor taken(const std::string& name) {
    const auto at = left_.find(name);
    if (at == left_.end()) return Tensor();
    auto tensor = at->second;
    left_.erase(at);
    return tensor;
  }

  void finish() const {
    check(missing_.empty(), "[import] ", file_.where, ": lacks the tensor ",
          missing_.empty() ? "" : missing_[0], of_more(missing_.empty() ? 0 : missing_.size() - 1));
    check(left_.empty(), "[import] ", file_.where, ": unknown tensor ", file_.prefix,
          left_.empty() ? "" : left_.begin()->first, of_more(left_.empty() ? 0 : left_.size() - 1),
          "; the config has no place for it");
  }

 private:
  std::string type_of(const Tensor& tensor, const std::string& name) const {
    const auto type = safetensors_type(tensor.scalar_type());
    check(type == "F32" || type == "F16" || type == "BF16" || type == "F64", "[import] ",
          file_.where, ": ", file_.prefix, name, " is of type ", type,
          ", expected F32, F16 or BF16");
    check(type != "F64", "[import] ", file_.where, ": ", file_.prefix, name,
          " is of type F64, which single precision would round");
    return type;
  }

  const AutoencoderFile& file_;
  const size_t levels_;
  Naming naming_;
  bool nested_;
  TensorMap left_;
  std::vector<std::string> missing_;
  std::map<std::string, std::string> types_;
};

/// Statistics of codes whose 2x2 patches are normalised.
void take_patch_norm(Taker& taker, const AutoencoderConfig& config, const AutoencoderFile& file,
                     Json& latents, Json& published) {
  const auto mean = taker.taken("bn.running_mean"), variance = taker.taken("bn.running_var");
  const auto batches = taker.taken("bn.num_batches_tracked");
  check(mean.defined() && variance.defined(), "[import] ", file.where, ": lacks the tensor bn.",
        mean.defined() ? "running_var" : "running_mean", ", which an ", config.class_name, " has");
  for (const auto& [name, t] :
       {std::pair{"running_mean", mean}, std::pair{"running_var", variance}}) {
    check(t.dim() == 1 && t.size(0) == 4 * config.latent, "[import] ", file.where, ": bn.", name,
          " has shape ", to_string(t.sizes().vec()), ", expected ", 4 * config.latent);
    const auto wide = t.to(torch::kFloat64).contiguous();
    check(wide.isfinite().all().item<bool>(), "[import] ", file.where, ": bn.", name,
          " holds numbers that are not finite");
    latents[std::string(name) == "running_mean" ? "patch_mean" : "patch_variance"] =
        std::vector<double>(wide.data_ptr<double>(), wide.data_ptr<double>() + wide.numel());
    published["patch_type"] = safetensors_type(t.scalar_type());
  }
  check((variance.to(torch::kFloat64) >= 0).all().item<bool>(), "[import] ", file.where,
        ": bn.running_var: a variance is below 0");
  latents["patch_epsilon"] = config.norm_epsilon;
  if (batches.defined() && batches.numel() == 1) {
    published["batches"] = batches.to(torch::kInt64).item<int64_t>();
  }
}

/// The type of most tensors, and the others by name.
Json types_json(const std::map<std::string, std::string>& types) {
  std::map<std::string, int64_t> counts;
  for (const auto& [name, type] : types) ++counts[type];
  const auto most =
      std::max_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  Json j{{"", most->first}};
  for (const auto& [name, type] : types) {
    if (type != most->first) j[name] = type;
  }
  return j;
}

AutoencoderConfig config_for(const AutoencoderFile& file, const ImportChoice& choice,
                             std::vector<std::string>& notes) {
  AutoencoderConfig config;
  if (file.config_text.empty()) {
    config = guess_autoencoder_config(file.tensors, file.where);
    if (!choice.scaling && config.class_name == "AutoencoderKL") {
      if (config.latent != 4) config.scaling = 1;
      std::ostringstream text;
      text << "the file does not say how latents are scaled: taken as " << config.scaling
           << (config.latent == 4 ? ", that of Stable Diffusion 1 and 2" : "")
           << "; --scaling-factor and --shift-factor, or --config, set it";
      notes.push_back(text.str());
    }
  } else {
    const auto where = file.where + ": config";
    config = read_autoencoder_config(parse_json(file.config_text, "[config] " + where), where);
  }
  if (choice.scaling) config.scaling = *choice.scaling;
  if (choice.shift) config.shift = *choice.shift;
  if (choice.side) config.side = *choice.side;
  return config;
}

std::shared_ptr<Model> build_within(const Json& spec, const Schemas& schemas, int64_t bytes,
                                    const std::string& where) {
  const AllocationBound bound(kSmallNetwork + 16 * bytes, "[import] " + where +
                                                              ": the config asks for a larger "
                                                              "network than the weights can fill");
  return build(spec, schemas);
}

}  // namespace

ImportedAutoencoder import_autoencoder(const AutoencoderFile& file, const ImportChoice& choice) {
  ImportedAutoencoder result;
  const auto config = config_for(file, choice, result.notes);
  const int64_t side = (config.side + config.factor() - 1) / config.factor() * config.factor();
  result.schemas.x = {{config.pictures, side, side}, Kind::kByte, Json::object()};
  const Json spec = resolve(autoencoder_spec(config), result.schemas);
  int64_t bytes = 0;
  for (const auto& [name, tensor] : file.tensors) bytes += tensor.numel() * 4;
  result.model = build_within(spec, result.schemas, bytes, file.where);

  Taker taker(file, config);
  Json latents{{"scale", config.scaling}, {"shift", config.shift}}, published = Json::object();
  if (!config.mean.empty()) latents["mean"] = config.mean;
  if (!config.deviation.empty()) latents["deviation"] = config.deviation;
  if (config.class_name == "AutoencoderKLFlux2") {
    take_patch_norm(taker, config, file, latents, published);
  }
  torch::NoGradGuard no_gradient;
  for (const auto& p : result.model->named_parameters()) {
    const auto name = published_name(p.key());
    if (!name.empty()) taker.take(name, p.value());
  }
  taker.finish();
  result.model->eval();
  published.update({{"naming", to_string(taker.naming())},
                    {"nested", taker.nested()},
                    {"prefix", file.prefix},
                    {"types", types_json(taker.types())},
                    {"metadata", file.metadata}});
  if (!file.config_text.empty()) published["config"] = file.config_text;
  result.facts = {{"model", config.class_name},
                  {"spec", spec},
                  {"train", write_options(TrainOptions())},
                  {"data", {{"source", "published weights"}, {"options", Json::object()}}},
                  {"rows", 0},
                  {"latents", latents},
                  {"published", published}};
  return result;
}

}  // namespace elbo

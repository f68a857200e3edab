#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>

#include "elbo/core/registry.h"
#include "elbo/export/autoencoder_import.h"
#include "elbo/io/file.h"

namespace elbo {
namespace {

namespace fs = std::filesystem;

/// What a run knows of the files that it was read from; empty for one that was trained here.
class Published {
 public:
  Published(const Run& run, const std::string& type)
      : facts_(run.facts().value("published", Json::object())),
        latents_(run.facts().value("latents", Json::object())),
        config_(autoencoder_config_of(run.spec(), latents_, run.schemas().x.shape, run.name())),
        type_(type) {
    const std::vector<std::string> known{"", "F32", "F16", "BF16"};
    check(std::find(known.begin(), known.end(), type) != known.end(), "[export] type: found ", type,
          ", allowed are F32, F16 and BF16");
  }

  const AutoencoderConfig& config() const { return config_; }
  Naming naming() const { return naming_of(word("naming", "diffusers")); }
  bool nested() const { return facts_.value("nested", false); }
  std::string prefix() const { return word("prefix", ""); }
  std::string config_text() const {
    const auto text = word("config", "");
    return text.empty() ? autoencoder_config_text(config_) : text;
  }
  TextMap metadata() const {
    TextMap map;
    const auto stored = facts_.value("metadata", Json());
    if (!facts_.contains("metadata")) return {{"format", "pt"}};
    for (const auto& [key, value] : stored.items()) {
      if (value.is_string()) map[key] = value.get<std::string>();
    }
    return map;
  }

  Tensor in_type(const Tensor& tensor, const std::string& name) const {
    const auto types = facts_.value("types", Json::object());
    auto type = type_;
    if (type.empty()) type = types.value(name, types.value("", std::string("F32")));
    const auto result = tensor.detach().to(safetensors_type(type, "export"));
    check(result.isfinite().all().item<bool>(), "[export] ", name,
          ": a weight is beyond the range of ", type, "; write F32 or BF16");
    return result;
  }

  /// Statistics of normalised patches, under diffusers' names.
  NamedTensors patch_norm() const {
    if (!latents_.contains("patch_mean")) return {};
    const auto stored = type_.empty() ? word("patch_type", "F32") : type_;
    const auto one = [&](const char* key) {
      const auto list = latents_.at(key).get<std::vector<double>>();
      return torch::tensor(list, torch::kFloat64).to(safetensors_type(stored, "export"));
    };
    return {{"bn.num_batches_tracked",
             torch::full({}, facts_.value("batches", int64_t{0}), torch::kInt64)},
            {"bn.running_mean", one("patch_mean")},
            {"bn.running_var", one("patch_variance")}};
  }

 private:
  std::string word(const char* name, const char* otherwise) const {
    const auto value = facts_.value(name, Json());
    return value.is_string() ? value.get<std::string>() : otherwise;
  }

  const Json facts_, latents_;
  const AutoencoderConfig config_;
  const std::string type_;
};

NamedTensors named_weights(const Published& published, const Model& model, Naming naming,
                           const std::string& prefix) {
  NamedTensors named;
  const auto levels = published.config().channels.size();
  const bool nested = naming == Naming::kLdm && published.nested();
  for (const auto& p : model.named_parameters()) {
    const auto name = published_name(p.key());
    if (name.empty()) continue;
    auto tensor = published.in_type(p.value(), name);
    if (naming == Naming::kLdm && is_attention_matrix(name)) {
      tensor = tensor.unsqueeze(2).unsqueeze(3);
    }
    named.emplace_back(prefix + name_in(naming, name, levels, nested), tensor);
  }
  for (auto& [name, tensor] : published.patch_norm()) named.emplace_back(prefix + name, tensor);
  // The order of the format's own writer.
  std::sort(named.begin(), named.end(), [](const auto& a, const auto& b) {
    const auto size = [](const auto& entry) { return -entry.second.element_size(); };
    return std::pair(size(a), a.first) < std::pair(size(b), b.first);
  });
  return named;
}

int64_t numbers_in(const NamedTensors& named) {
  int64_t sum = 0;
  for (const auto& [name, tensor] : named) sum += tensor.numel();
  return sum;
}

Json summary(const std::vector<std::string>& files, const NamedTensors& named) {
  return {{"files", files}, {"tensors", named.size()}, {"numbers", numbers_in(named)}};
}

}  // namespace

Json write_diffusers(const Run& run, const Model& model, const std::string& folder,
                     const std::string& type) {
  const Published published(run, type);
  const auto naming = published.naming() == Naming::kOld ? Naming::kOld : Naming::kDiffusers;
  const auto named = named_weights(published, model, naming, "");
  std::error_code failed;
  fs::create_directories(folder, failed);
  check(fs::is_directory(folder, failed), "[export] ", folder, ": cannot make the folder");
  const auto weights = (fs::path(folder) / "diffusion_pytorch_model.safetensors").string();
  const auto config = (fs::path(folder) / "config.json").string();
  auto metadata = published.metadata();
  if (published.naming() == Naming::kLdm) metadata = {{"format", "pt"}};
  save_safetensors(weights, named, metadata);
  write_file_atomic(config, published.config_text());
  return summary({config, weights}, named);
}

Json write_ldm(const Run& run, const Model& model, const std::string& path,
               const std::string& type) {
  const Published published(run, type);
  check(path.ends_with(".safetensors"), "[export] ", path,
        ": such a file is safetensors; name it FILE.safetensors");
  check(!published.config().tiny(), "[export] ", run.name(),
        ": latent diffusion has no names for a tiny autoencoder; --diffusers writes it");
  const bool own = published.naming() == Naming::kLdm;
  const auto named =
      named_weights(published, model, Naming::kLdm, own ? published.prefix() : std::string());
  save_safetensors(path, named, own ? published.metadata() : TextMap{{"format", "pt"}});
  return summary({path}, named);
}

}  // namespace elbo

#include "elbo/export/autoencoder_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "elbo/core/registry.h"
#include "elbo/core/text.h"
#include "elbo/io/file.h"
#include "elbo/io/json_text.h"

namespace elbo {
namespace {

namespace fs = std::filesystem;

constexpr const char* kName = "diffusion_pytorch_model";
const std::vector<std::string> kFirstLayers{"encoder.conv_in.weight", "encoder.layers.0.weight"};
const std::vector<std::string> kPrefixes{"first_stage_model.", "vae.", ""};

std::string first_bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  char bytes[4] = {};
  file.read(bytes, sizeof bytes);
  return {bytes, static_cast<size_t>(file.gcount())};
}

/// Reading a pickle runs what it says.
[[noreturn]] void refuse_pickle(const fs::path& path) {
  const auto to = fs::path(path).replace_extension(".safetensors").string();
  fail("[import] ", path.string(),
       ": is a pickle, which can run code when it is read; where you trust it, turn it into "
       "safetensors: python3 -c \"import torch, safetensors.torch as s; d = torch.load('",
       path.string(),
       "', map_location='cpu', weights_only=True); d = d.get('state_dict', d); "
       "s.save_file({k: v.contiguous() for k, v in d.items() if torch.is_tensor(v)}, '",
       to, "')\"");
}

bool is_pickle(const fs::path& path) {
  const auto small = lower_case(path.extension().string());
  const std::vector<std::string> endings{".ckpt", ".pt", ".pth", ".bin", ".pkl"};
  if (std::find(endings.begin(), endings.end(), small) != endings.end()) return true;
  const auto bytes = first_bytes(path);
  return bytes.starts_with("PK") || bytes.starts_with("\x80\x02");
}

/// What belongs to the two sides, of names without a prefix.
bool is_autoencoder_name(const std::string& name) {
  for (const char* start : {"encoder.", "decoder.", "quant_conv.", "post_quant_conv.", "bn."}) {
    if (name.starts_with(start)) return true;
  }
  return false;
}

/// Reads the tensors under the first prefix that names an encoder's first layer.
void read_single(const fs::path& path, AutoencoderFile& file) {
  std::vector<std::string> names;
  load_safetensors(path.string(), [&](const std::string& name) {
    names.push_back(name);
    return false;
  });
  const auto holds = [&](const std::string& prefix) {
    return std::any_of(kFirstLayers.begin(), kFirstLayers.end(), [&](const std::string& layer) {
      return std::find(names.begin(), names.end(), prefix + layer) != names.end();
    });
  };
  const auto prefix = std::find_if(kPrefixes.begin(), kPrefixes.end(), holds);
  check(prefix != kPrefixes.end(), "[import] ", path.string(),
        ": holds no image autoencoder: no tensor ", join(kFirstLayers, " or "),
        ", alone or behind first_stage_model. or vae.");
  file.prefix = *prefix;
  // A whole checkpoint has other networks beside; a file of the autoencoder alone is taken whole,
  // so that nothing of it is dropped.
  const bool alone = prefix->empty() && std::none_of(names.begin(), names.end(), [](const auto& n) {
                       return n.starts_with("model.") || n.starts_with("cond_stage_model.") ||
                              n.starts_with("conditioner.") || n.starts_with("text_encoder");
                     });
  auto read = load_safetensors(path.string(), [&](const std::string& name) {
    return name.starts_with(*prefix) && (alone || !prefix->empty() || is_autoencoder_name(name));
  });
  for (auto& [name, tensor] : read.tensors) {
    file.tensors.emplace_back(name.substr(prefix->size()), tensor);
  }
  file.metadata = std::move(read.metadata);
}

/// The parts that an index names, each tensor from the part that it is said to be in.
void read_parts(const fs::path& index, AutoencoderFile& file) {
  const auto where = "[import] " + index.string();
  const Json json = parse_json(read_plain_file(index.string()), where);
  const auto map = json.is_object() ? json.value("weight_map", Json()) : Json();
  check(map.is_object() && !map.empty(), where, ": lacks the object \"weight_map\"");
  std::map<std::string, std::set<std::string>> parts;
  for (const auto& [name, part] : map.items()) {
    const auto text = part.is_string() ? part.get<std::string>() : "";
    const bool plain = !text.empty() && fs::path(text).filename() == text && text != "..";
    check(plain, where, ": ", name, ": found ", part.dump(),
          ", expected the name of a file beside");
    parts[text].insert(name);
  }
  for (auto& [part, names] : parts) {
    const auto path = (index.parent_path() / part).string();
    check(fs::is_regular_file(path), where, ": names ", part, ", which cannot be found");
    auto read = load_safetensors(
        path, [&, &names = names](const std::string& name) { return names.erase(name) > 0; });
    check(names.empty(), "[import] ", path, ": lacks the tensor ",
          names.empty() ? "" : *names.begin(), ", which ", index.filename().string(),
          " says it holds");
    for (auto& entry : read.tensors) file.tensors.push_back(std::move(entry));
    file.metadata = std::move(read.metadata);
  }
}

void read_folder(const fs::path& folder, AutoencoderFile& file) {
  for (const std::string variant : {"", ".fp16", ".bf16"}) {
    const auto single = folder / (kName + variant + ".safetensors");
    const auto index = folder / (std::string(kName) + ".safetensors.index" + variant + ".json");
    if (fs::is_regular_file(single)) return read_single(single, file);
    if (fs::is_regular_file(index)) return read_parts(index, file);
  }
  const auto pickle = folder / (std::string(kName) + ".bin");
  if (fs::is_regular_file(pickle)) refuse_pickle(pickle);
  check(!fs::is_directory(folder / "vae"), "[import] ", folder.string(),
        ": a whole pipeline; name its folder ", (folder / "vae").string());
  fail("[import] ", folder.string(), ": lacks ", kName, ".safetensors");
}

}  // namespace

AutoencoderFile read_autoencoder_file(const std::string& path, const std::string& config) {
  std::error_code none;
  check(fs::exists(path, none), "[import] ", path, ": no such file or folder");
  AutoencoderFile file;
  file.where = path;
  fs::path config_path = config;
  if (fs::is_directory(path, none)) {
    if (config.empty()) config_path = fs::path(path) / "config.json";
    check(fs::is_regular_file(config_path, none), "[import] ", path, ": lacks config.json");
    read_folder(path, file);
  } else {
    if (is_pickle(path)) refuse_pickle(path);
    read_single(path, file);
  }
  if (!config_path.empty()) file.config_text = read_plain_file(config_path.string());
  return file;
}

}  // namespace elbo

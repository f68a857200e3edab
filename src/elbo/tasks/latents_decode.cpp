#include <algorithm>
#include <charconv>
#include <filesystem>

#include "elbo/io/file.h"
#include "elbo/io/image.h"
#include "elbo/io/npy.h"
#include "elbo/io/row_file.h"
#include "elbo/io/safetensors.h"
#include "elbo/nn/picture_memory.h"
#include "elbo/tasks/latent_memory.h"
#include "elbo/tasks/latent_scale.h"
#include "elbo/tasks/latents.h"
#include "elbo/tasks/output.h"

namespace elbo {
namespace {

namespace fs = std::filesystem;

/// Latents of a file, and the size of the picture that they are of; 0 = not known.
struct StoredLatents {
  Tensor rows;  // [n, channels, height, width]
  int64_t height = 0, width = 0;
};

int64_t size_in(const TextMap& metadata, const char* name) {
  const auto at = metadata.find(name);
  if (at == metadata.end()) return 0;
  int64_t value = 0;
  const auto& text = at->second;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value > 0 ? value : 0;
}

StoredLatents read_latents(const std::string& path) {
  StoredLatents stored;
  if (path.ends_with(".safetensors")) {
    const auto file = load_safetensors(path);
    const auto named = file.find("latents");
    const bool single = !named.defined() && file.tensors.size() == 1;
    check(named.defined() || single, "[latents] ", path, ": holds ", file.tensors.size(),
          " tensors, none of them called latents");
    stored.rows = single ? file.tensors[0].second : named;
    stored.height = size_in(file.metadata, "height");
    stored.width = size_in(file.metadata, "width");
  } else {
    check(path.ends_with(".npy"), "[latents] ", path,
          ": latents lie in .safetensors or .npy files");
    stored.rows = parse_npy(read_file(path), path);
  }
  check(torch::isFloatingType(stored.rows.scalar_type()), "[latents] ", path,
        ": found whole numbers, expected latents");
  if (stored.rows.dim() == 3) stored.rows = stored.rows.unsqueeze(0);
  check(stored.rows.dim() == 4 && stored.rows.numel() > 0, "[latents] ", path, ": found shape ",
        to_string(stored.rows.sizes().vec()), ", expected (rows x) channels x height x width");
  stored.rows = stored.rows.to(torch::kFloat32);
  check(stored.rows.isfinite().all().item<bool>(), "[latents] ", path,
        ": holds numbers that are not finite");
  return stored;
}

std::vector<fs::path> latent_files(const std::string& path) {
  std::error_code none;
  check(fs::exists(path, none), "[latents] ", path, ": no such file or folder");
  if (!fs::is_directory(path, none)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path)) {
    const auto ending = entry.path().extension();
    const bool latents = ending == ".safetensors" || ending == ".npy";
    if (latents && entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  check(!files.empty(), "[latents] ", path, ": holds no .safetensors or .npy files");
  return files;
}

/// [channels, height, width] in about [0, 1] as bytes; two channels of four are none that a
/// picture has.
Tensor as_bytes(const Tensor& x, const std::string& where) {
  check(x.size(0) == 1 || x.size(0) == 3, "[latents] ", where, ": the model makes ", x.size(0),
        " channels, a picture has 1 or 3");
  return (x.clamp(0, 1) * 255).round().to(torch::kUInt8).contiguous();
}

/// Where pictures go: a .png for one, a folder, or a .npy array of their numbers.
class DecodedFiles {
 public:
  DecodedFiles(std::string path, const std::vector<fs::path>& sources)
      : path_(std::move(path)), single_(path_.ends_with(".png")), array_(path_.ends_with(".npy")) {
    check(single_ || array_ || fs::path(path_).extension().empty(), "[latents] ", path_,
          ": pictures go to a .png or .npy file or to a folder");
    check(sources.size() == 1 || !(single_ || array_), "[latents] ", path_, ": ", sources.size(),
          " files of latents need a folder (-o FOLDER/)");
  }
  /// x: [channels, height, width], the i-th of n of a file.
  void add(const Tensor& x, const fs::path& source, int64_t i, int64_t n) {
    check(!single_ || n == 1, "[latents] ", path_, ": ", n, " pictures need a folder (-o FOLDER/)");
    if (array_) {
      const Shape shape(x.sizes().begin(), x.sizes().end());
      RowPlan plan;
      plan.rows = n;
      plan.shape = shape;
      if (!file_) file_ = create_row_file(path_, plan);
      return file_->append(x.unsqueeze(0).contiguous());
    }
    const auto bytes = as_bytes(x, source.string());
    if (single_) return write_png(path_, bytes);
    fs::create_directories(path_);
    const auto number = n > 1 ? "-" + std::to_string(i) : "";
    write_png((fs::path(path_) / (source.stem().string() + number + ".png")).string(), bytes);
  }
  Json finish() {
    if (file_) file_->commit();
    return {{single_ || array_ ? "file" : "folder", path_}};
  }

 private:
  const std::string path_;
  const bool single_, array_;
  std::unique_ptr<RowFile> file_;
};

}  // namespace

Json decode_latents(const TaskInput& input, const std::string& memory) {
  const torch::NoGradGuard no_gradient;
  const auto run = input.run->name();
  const auto& network = picture_network_in(*input.model->decoder, run);
  const LatentScale scale(input.run->facts().value("latents", Json()));
  const auto sources = latent_files(input.data);
  DecodedFiles files(output_path(input, "decoded"), sources);
  const int64_t budget = picture_budget(memory), channels = input.model->latent->code().at(0);
  int64_t pictures = 0, cropped = 0, banded = 0;
  size_t done = 0;
  for (const auto& source : sources) {
    const auto stored = read_latents(source.string());
    const int64_t n = stored.rows.size(0);
    for (int64_t i = 0; i < n; ++i, ++pictures) {
      const auto z = scale.code(stored.rows.narrow(0, i, 1));
      check(z.size(1) == channels, "[latents] ", source.string(), ": ", z.size(1),
            " channels, the model's codes have ", channels);
      banded += goes_in_bands(network, z, budget);
      const PictureMemory within(budget);
      const auto x = input.model->decode(z)->mean()[0];
      const int64_t height = stored.height > 0 ? std::min(stored.height, x.size(1)) : x.size(1);
      const int64_t width = stored.width > 0 ? std::min(stored.width, x.size(2)) : x.size(2);
      cropped += height != x.size(1) || width != x.size(2);
      files.add(x.narrow(1, 0, height).narrow(2, 0, width), source, i, n);
    }
    input.progress(static_cast<double>(++done) / static_cast<double>(sources.size()));
  }
  Json result = files.finish();
  result["pictures"] = pictures;
  const auto of = [&](int64_t k) { return std::to_string(k) + " of " + std::to_string(pictures); };
  if (cropped > 0) result["cropped"] = of(cropped) + ", to the size of the encoded picture";
  if (banded > 0) result["in_bands"] = of(banded);
  return result;
}

}  // namespace elbo

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "elbo/data/picture_folder.h"
#include "elbo/io/archive.h"
#include "elbo/io/image.h"
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

/// Files of pictures: a folder's, an archive's, or one alone.
class PictureSource {
 public:
  explicit PictureSource(const std::string& path) : path_(path) {
    std::error_code none;
    check(fs::exists(path, none), "[latents] ", path, ": no such file or folder");
    single_ = !fs::is_directory(path, none) && !is_archive_name(path);
    if (single_) {
      names_ = {fs::path(path).filename().string()};
    } else {
      names_ = list_pictures(path).names;
    }
    check(!names_.empty(), "[latents] ", path, ": holds no pictures");
  }
  int64_t size() const { return static_cast<int64_t>(names_.size()); }

  template <class F>
  void for_each(const F& f) const {
    if (single_) return f(names_[0], read_file(path_));
    std::error_code none;
    if (fs::is_directory(path_, none)) {
      for (const auto& name : names_) f(name, read_plain_file((fs::path(path_) / name).string()));
      return;
    }
    const std::set<std::string> wanted(names_.begin(), names_.end());
    read_archive(
        path_, [&](const std::string& name) { return wanted.count(name) > 0; },
        [&](const std::string& name, const std::string& bytes) { f(name, bytes); });
  }

 private:
  const std::string path_;
  bool single_;
  std::vector<std::string> names_;
};

/// Whether a PNG file has an alpha channel.
bool has_alpha(std::string_view bytes) {
  constexpr size_t kColour = 25;  // of IHDR, the first chunk
  return bytes.size() > kColour && bytes.starts_with("\x89PNG") &&
         (bytes[kColour] == 4 || bytes[kColour] == 6);
}

/// uint8 [1 or 3, H, W] with as many channels as the network reads, in [0, 1], as one row.
Tensor as_row(const Tensor& pixels, int64_t channels, const std::string& name) {
  auto x = pixels.to(torch::kFloat32) / 255;
  if (channels == 1 && x.size(0) == 3) {
    x = (x * torch::tensor({0.299, 0.587, 0.114}, torch::kFloat32).view({3, 1, 1})).sum(0, true);
  } else if (channels == 3 && x.size(0) == 1) {
    x = x.expand({3, -1, -1});
  }
  check(x.size(0) == channels, "[latents] ", name, ": ", x.size(0), " channels, the model reads ",
        channels);
  return x.unsqueeze(0);
}

/// The last row and column again until both sides are multiples of `each`.
Tensor padded_to(const Tensor& x, int64_t each) {
  const auto missing = [&](int64_t side) { return (each - side % each) % each; };
  const int64_t below = missing(x.size(2)), right = missing(x.size(3));
  if (below + right == 0) return x;
  return torch::replication_pad2d(x, {0, right, 0, below});
}

std::string file_name(const std::string& picture) {
  auto name = fs::path(picture).replace_extension().string();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '/' || c == ' ' || c == '\\'; }, '-');
  return name;
}

RowPlan plan_of(int64_t rows, const Shape& shape) {
  RowPlan plan;
  plan.rows = rows;
  plan.shape = shape;
  return plan;
}

/// Where latents go: a file each, or one array.
class LatentFiles {
 public:
  LatentFiles(std::string path, int64_t pictures) : path_(std::move(path)), pictures_(pictures) {}
  void add(const std::string& picture, const Tensor& latents, int64_t height, int64_t width) {
    shape_ = Shape(latents.sizes().begin() + 1, latents.sizes().end());
    if (path_.ends_with(".npy")) {
      if (!array_) {
        first_ = shape_;
        array_ = create_row_file(path_, plan_of(pictures_, shape_));
      }
      check(shape_ == first_, "[latents] ", picture, ": latents of ", to_string(shape_),
            ", those before are of ", to_string(first_),
            "; a folder takes pictures of several sizes (-o FOLDER/)");
      return array_->append(latents);
    }
    fs::create_directories(path_);
    auto name = file_name(picture);
    if (!names_.insert(name).second) name += "-" + std::to_string(names_.size());
    save_safetensors((fs::path(path_) / (name + ".safetensors")).string(),
                     {{"latents", latents[0].contiguous()}},
                     {{"height", std::to_string(height)}, {"width", std::to_string(width)}});
  }
  Json finish() {
    if (array_) array_->commit();
    return {{array_ ? "file" : "folder", path_}, {"latents", to_string(shape_)}};
  }

 private:
  const std::string path_;
  const int64_t pictures_;
  std::unique_ptr<RowFile> array_;
  std::set<std::string> names_;
  Shape shape_, first_;
};

/// Of all numbers of codes: what a diffusion's scaling factor is chosen by.
class CodeSpread {
 public:
  void add(const Tensor& z) {
    const auto wide = z.to(torch::kFloat64);
    count_ += z.numel();
    sum_ += wide.sum().item<double>();
    squares_ += wide.square().sum().item<double>();
  }
  double mean() const { return sum_ / static_cast<double>(count_); }
  double deviation() const {
    return std::sqrt(std::max(0.0, squares_ / static_cast<double>(count_) - mean() * mean()));
  }

 private:
  int64_t count_ = 0;
  double sum_ = 0, squares_ = 0;
};

std::string of_pictures(int64_t n, int64_t all) {
  return std::to_string(n) + " of " + std::to_string(all);
}

}  // namespace

Json encode_latents(const TaskInput& input, bool draw, const std::string& memory) {
  const torch::NoGradGuard no_gradient;
  const auto run = input.run->name();
  const auto& network = picture_network_in(*input.model->latent, run);
  const LatentScale scale(input.run->facts().value("latents", Json()));
  check(!input.data.empty(), "[latents] no DATA given: name a picture, a folder or an archive");
  const PictureSource source(input.data);
  const int64_t all = source.size(), each = network.factor() * scale.patch();
  const int64_t channels = input.run->schemas().x.shape.at(0);
  const auto path = output_path(input, "latents");
  check(path.ends_with(".npy") || fs::path(path).extension().empty(), "[latents] ", path,
        ": latents go to a .npy file (pictures of one size) or to a folder");
  const int64_t budget = picture_budget(memory);
  LatentFiles files(path, all);
  CodeSpread spread;
  int64_t done = 0, padded = 0, transparent = 0, banded = 0;
  source.for_each([&](const std::string& name, const std::string& bytes) {
    const auto pixels = decode_image(bytes, name);
    const auto x = padded_to(as_row(pixels, channels, name), each);
    banded += goes_in_bands(network, x, budget);
    const PictureMemory within(budget);
    Batch batch;
    batch.x = x;
    const auto trace = input.model->latent->infer(batch, draw ? 1 : 0);
    spread.add(trace.code);
    files.add(name, scale.scaled(trace.code), pixels.size(1), pixels.size(2));
    padded += x.size(2) != pixels.size(1) || x.size(3) != pixels.size(2);
    transparent += has_alpha(bytes);
    input.progress(static_cast<double>(++done) / static_cast<double>(all));
  });
  Json result = files.finish();
  result.update({{"pictures", done}, {"value", draw ? "draw" : "mean"}});
  // Scaled so, codes of these pictures have deviation 1.
  result["codes_mean"] = spread.mean();
  result["codes_deviation"] = spread.deviation();
  if (spread.deviation() > 0) result["scaling_factor"] = 1 / spread.deviation();
  if (padded > 0) {
    result["padded"] = of_pictures(padded, done) + ", to multiples of " + std::to_string(each);
  }
  if (transparent > 0) result["alpha"] = of_pictures(transparent, done) + ", laid on white";
  if (banded > 0) result["in_bands"] = of_pictures(banded, done);
  return result;
}

}  // namespace elbo

#include <algorithm>
#include <filesystem>

#include "elbo/data/label_rows.h"
#include "elbo/data/open.h"
#include "elbo/data/reader.h"
#include "elbo/io/file_bytes.h"
#include "elbo/io/npy.h"

namespace elbo {
namespace {

namespace fs = std::filesystem;

torch::ScalarType idx_type(int code, const std::string& path) {
  switch (code) {
    case 0x08:
      return torch::kUInt8;
    case 0x09:
      return torch::kInt8;
    case 0x0b:
      return torch::kInt16;
    case 0x0c:
      return torch::kInt32;
    case 0x0d:
      return torch::kFloat32;
    case 0x0e:
      return torch::kFloat64;
    default:
      fail("[idx] ", path, ": unknown type ", code, "; known: 8, 9, 11 to 14");
  }
}

/// Two zeros, a type, the number of axes, their sizes as big-endian 32 bits, the elements.
Tensor read_idx(const std::string& path) {
  const auto file = file_bytes(path);
  const auto bytes = file.bytes;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  check(bytes.size() >= 4 && byte(0) == 0 && byte(1) == 0, "[idx] ", path, ": is not an IDX file");
  const auto type = idx_type(byte(2), path);
  const size_t axes = byte(3), start = 4 + 4 * axes;
  check(axes >= 1 && axes <= 8 && bytes.size() >= start, "[idx] ", path, ": ", axes,
        " axes, allowed 1 to 8, or the header ends too early");
  Shape shape;
  for (size_t i = 4; i < start; i += 4) {
    shape.push_back(int64_t{byte(i)} << 24 | byte(i + 1) << 16 | byte(i + 2) << 8 | byte(i + 3));
  }
  return tensor_of_bytes(bytes.substr(start), type, shape, true, path, file.owner);
}

/// "FOLDER:NAME" as the two, where there is such a folder.
std::pair<std::string, std::string> folder_and_set(const std::string& path) {
  std::error_code ignored;
  const auto colon = path.rfind(':');
  if (colon == std::string::npos || fs::exists(path, ignored)) return {path, ""};
  return {path.substr(0, colon), path.substr(colon + 1)};
}

/// Files of a part by what its names begin with: "train-images-idx3-ubyte" as published,
/// "train-images.idx3-ubyte" as some unpackers write it, "emnist-letters-train-images-idx3-ubyte",
/// each plain or packed. `kind`: images or labels.
std::vector<std::string> files_of_part(const std::string& path, const std::string& split,
                                       const std::string& kind) {
  const auto [folder, set] = folder_and_set(path);
  std::vector<std::string> found;
  std::error_code failed;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    auto name = at->path().filename().string();
    if (name.ends_with(".gz")) name.resize(name.size() - 3);
    for (const char* part : {"train", "test", "t10k"}) {
      const bool wanted = (std::string(part) == "train") == (split == "train");
      if (!wanted) continue;
      for (const char* point : {"-", "."}) {
        const auto tail = std::string(part) + "-" + kind + point +
                          (kind == "images" ? "idx3" : "idx1") + "-ubyte";
        if (!name.ends_with(tail)) continue;
        const auto head = name.substr(0, name.size() - tail.size());
        const bool whole = head.empty() || head.ends_with('-');
        if (whole && (set.empty() || head.find(set) != std::string::npos))
          found.push_back(at->path().string());
      }
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

void read_labels(Arrays& arrays, const std::string& path) {
  const auto y = read_idx(path);
  constexpr int64_t kDigits = 10;
  // Labels of digits name all ten, also where a file lacks one.
  const bool digits = y.numel() > 0 && y.max().item<int64_t>() < kDigits;
  set_labels(arrays, y, digits ? torch::arange(kDigits) : Tensor(), path);
}

class IdxFile : public Reader {
 public:
  bool accepts(const std::string& path) const override {
    const auto name = fs::path(path).filename().string();
    std::error_code ignored;
    return fs::is_regular_file(path, ignored) && name.find("ubyte") != std::string::npos;
  }
  Data open(const std::string& path, const DataOptions& options) const override {
    refuse_test(options, path);
    Arrays arrays;
    set_x(arrays, read_idx(path), options, path);
    return with_binarization(in_memory(std::move(arrays)), options, "none");
  }
};

class Mnist : public Reader {
 public:
  bool accepts(const std::string& path) const override { return !images(path, "train").empty(); }
  bool has_test(const std::string& path) const override { return !images(path, "test").empty(); }

  Data open(const std::string& path, const DataOptions& options) const override {
    Data data;
    if (options.split == "all") {
      auto rest = options;
      data = part(path, "train", options);
      const bool enough = options.rows > 0 && data->size() >= options.rows;
      if (options.rows > 0) rest.rows -= data->size();
      if (!enough) data = concat({data, part(path, "test", rest)});
    } else {
      data = part(path, options.split, options);
    }
    return with_binarization(data, options, "dynamic");
  }

 private:
  static std::string images(const std::string& folder, const std::string& split) {
    const auto files = files_of_part(folder, split, "images");
    return files.empty() ? "" : files[0];
  }
  static Data part(const std::string& folder, const std::string& split,
                   const DataOptions& options) {
    const auto files = files_of_part(folder, split, "images");
    check(!files.empty(), "[mnist] ", folder, ": no ", split == "test" ? "t10k" : split,
          "-images-idx3-ubyte[.gz], nor with a point or a set's name in front");
    check(files.size() == 1, "[mnist] ", folder, ": several sets: ", join(files),
          "; name one as in mnist:FOLDER:letters");
    const auto& file = files[0];
    Arrays arrays;
    set_x(arrays, read_idx(file), options, file);
    // A part of it may hold nothing but 0 and 1; the set is bytes all the same.
    arrays.schemas.x.kind = Kind::kByte;
    check(arrays.x.scalar_type() == torch::kUInt8 && arrays.x.dim() == 4, "[mnist] ", file,
          ": expected bytes, images x height x width");
    const auto labels = files_of_part(folder, split, "labels");
    if (!labels.empty()) read_labels(arrays, labels[0]);
    if (fs::path(file).filename().string().starts_with("emnist")) {
      arrays.schemas.x.detail["notes"].push_back(
          "EMNIST keeps its pictures with rows and columns exchanged: they are read as they are");
    }
    return in_memory(std::move(arrays));
  }
};

const bool added_file =
    readers().add<NoOptions>("idx", "one IDX file, also gzip'ed",
                             [](const NoOptions&) { return std::make_shared<IdxFile>(); });
const bool added_mnist = readers().add<NoOptions>(
    "mnist",
    "a folder with the four files of MNIST or of a set of EMNIST (mnist:FOLDER:letters), plain or "
    "gzip'ed; binarized by default",
    [](const NoOptions&) { return std::make_shared<Mnist>(); });

}  // namespace
}  // namespace elbo

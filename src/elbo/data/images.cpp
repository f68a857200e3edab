#include <ATen/Parallel.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "elbo/data/reader.h"
#include "elbo/data/streamed_images.h"
#include "elbo/io/archive.h"
#include "elbo/io/file.h"
#include "elbo/io/image.h"

namespace elbo {
namespace {

namespace fs = std::filesystem;

bool hidden(const fs::path& path) { return path.filename().string().starts_with("."); }

/// Calls f with each image's path relative to the folder until f says stop.
void walk(const std::string& folder, const std::function<bool(const std::string&)>& f) {
  std::error_code failed;
  fs::recursive_directory_iterator at(folder, failed), end;
  for (; !failed && at != end; at.increment(failed)) {
    if (hidden(at->path())) {
      std::error_code ignored;
      if (at->is_directory(ignored)) at.disable_recursion_pending();
    } else if (is_image_name(at->path().string()) &&
               !f(at->path().lexically_relative(folder).generic_string())) {
      return;
    }
  }
  check(!failed, "[images] ", folder, ": ", failed.message());
}

/// Also says no to what the Macintosh puts into archives beside each file.
bool is_image_member(const std::string& name) {
  return is_image_name(name) && !hidden(name) && !name.starts_with("__MACOSX/");
}

std::vector<std::string> list_images(const std::string& path) {
  std::vector<std::string> names;
  if (fs::is_directory(path)) {
    walk(path, [&](const std::string& name) {
      names.push_back(name);
      return true;
    });
  } else {
    read_archive(
        path,
        [&](const std::string& name) {
          if (is_image_member(name)) names.push_back(name);
          return false;
        },
        [](const std::string&, const std::string&) {});
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

/// The part of a path before its first slash; empty where there is none.
std::string top(const std::string& name) {
  const auto slash = name.find('/');
  return slash == std::string::npos ? "" : name.substr(0, slash);
}

bool is_part(const std::string& word) {
  static const std::set<std::string> parts = {"train", "test", "val", "valid", "validation"};
  return parts.count(word) > 0;
}

/// An image of the source: where it is, and what its place says about it.
struct Picture {
  std::string name, part, label;
};

/// Takes off the folders that all share, then a part's name, then the class.
std::vector<Picture> sort_out(const std::vector<std::string>& names) {
  size_t skip = 0;
  const auto rest = [&](const std::string& name) { return name.substr(skip); };
  const auto all = [&](const auto& holds) {
    return std::all_of(names.begin(), names.end(), [&](const auto& n) { return holds(rest(n)); });
  };
  for (;;) {
    const auto first = names.empty() ? "" : top(rest(names[0]));
    if (first.empty() || is_part(first) || !all([&](const auto& n) { return top(n) == first; }))
      break;
    skip += first.size() + 1;
  }
  const bool parts = all([](const auto& n) { return is_part(top(n)); });
  std::vector<Picture> pictures;
  for (const auto& name : names) {
    const auto part = parts ? top(rest(name)) : "";
    pictures.push_back({name, part, top(parts ? rest(name).substr(part.size() + 1) : rest(name))});
  }
  return pictures;
}

bool has_part(const std::vector<Picture>& pictures, const std::string& part) {
  return std::any_of(pictures.begin(), pictures.end(),
                     [&](const auto& p) { return p.part == part; });
}

/// The names of the sub-folders, where every image lies in one and there is more than one.
std::vector<std::string> classes_of(const std::vector<Picture>& pictures) {
  std::set<std::string> labels;
  for (const auto& p : pictures) labels.insert(p.label);
  if (labels.size() < 2 || labels.count("")) return {};
  return {labels.begin(), labels.end()};
}

std::vector<Picture> chosen(const std::vector<Picture>& all, const DataOptions& options,
                            const std::string& path) {
  std::vector<Picture> some;
  const bool parts = !all[0].part.empty();
  if (!parts) refuse_test(options, path);
  for (const auto& p : all) {
    if (!parts || options.split == "all" || p.part == options.split) some.push_back(p);
  }
  check(!some.empty(), "[images] ", path, ": no images in its part ", options.split);
  some.resize(static_cast<size_t>(kept_rows(options, static_cast<int64_t>(some.size()))));
  return some;
}

/// The undecoded files, in the order of the pictures.
std::vector<std::string> read_all(const std::string& path, const std::vector<Picture>& pictures) {
  std::vector<std::string> files(pictures.size());
  if (fs::is_directory(path)) {
    for (size_t i = 0; i < pictures.size(); ++i) {
      files[i] = read_plain_file((fs::path(path) / pictures[i].name).string());
    }
    return files;
  }
  std::map<std::string, size_t> place;
  for (size_t i = 0; i < pictures.size(); ++i) place[pictures[i].name] = i;
  read_archive(
      path, [&](const std::string& name) { return place.count(name) > 0; },
      [&](const std::string& name, std::string bytes) { files[place[name]] = std::move(bytes); });
  return files;
}

/// [N, C, H, W] bytes; gray ones become RGB where some are.
Tensor decode_all(const std::vector<std::string>& files, const std::vector<Picture>& pictures,
                  const DataOptions& options) {
  const auto size = resize_of(options);
  std::vector<Tensor> images(files.size());
  at::parallel_for(0, static_cast<int64_t>(files.size()), 16, [&](int64_t from, int64_t to) {
    for (auto i = static_cast<size_t>(from); i < static_cast<size_t>(to); ++i) {
      images[i] = decode_image(files[i], pictures[i].name);
      if (size.first > 0) images[i] = resize_image(images[i], size.first, size.second);
    }
  });
  const auto dimensions = [](const Tensor& t) {
    return std::to_string(t.size(2)) + "x" + std::to_string(t.size(1));
  };
  int64_t channels = 1;
  for (size_t i = 0; i < images.size(); ++i) {
    channels = std::max(channels, images[i].size(0));
    check(images[i].size(1) == images[0].size(1) && images[i].size(2) == images[0].size(2),
          "[images] ", pictures[i].name, " has ", dimensions(images[i]), " pixels, ",
          pictures[0].name, " has ", dimensions(images[0]),
          "; resize=HEIGHTxWIDTH makes them equal");
  }
  auto x = torch::empty(
      {static_cast<int64_t>(images.size()), channels, images[0].size(1), images[0].size(2)},
      torch::kUInt8);
  for (size_t i = 0; i < images.size(); ++i) {
    x[static_cast<int64_t>(i)].copy_(images[i].expand({channels, -1, -1}));
    images[i] = Tensor();
  }
  return x;
}

/// Pictures of a folder, read when they are needed.
class PictureFiles : public PictureSource {
 public:
  PictureFiles(std::string folder, const std::vector<Picture>& pictures)
      : folder_(std::move(folder)) {
    for (const auto& p : pictures) names_.push_back(p.name);
  }
  int64_t size() const override { return static_cast<int64_t>(names_.size()); }
  std::string encoded(int64_t row) const override {
    return read_plain_file((fs::path(folder_) / names_.at(static_cast<size_t>(row))).string());
  }
  std::string name(int64_t row) const override { return names_.at(static_cast<size_t>(row)); }

 private:
  std::string folder_;
  std::vector<std::string> names_;
};

/// [N] the places of the pictures' labels among the classes; undefined where there are no classes.
Tensor labels_among(const std::vector<std::string>& classes, const std::vector<Picture>& pictures) {
  if (classes.empty()) return Tensor();
  std::vector<int64_t> labels;
  for (const auto& p : pictures) {
    labels.push_back(std::lower_bound(classes.begin(), classes.end(), p.label) - classes.begin());
  }
  return torch::tensor(labels, torch::kInt64);
}

struct ImageOptions {
  double memory = 4;
  template <class F>
  void fields(F&& f) {
    f("memory", memory,
      "gigabytes of pixels to keep in memory; larger folders are decoded picture by picture as "
      "needed",
      at_least(0));
  }
};

class ImageReader : public Reader {
 public:
  explicit ImageReader(const ImageOptions& options) : options_(options) {}

  bool accepts(const std::string& path) const override {
    std::error_code ignored;
    if (!fs::is_directory(path, ignored)) return is_archive_name(path) || is_image_name(path);
    bool found = false;
    walk(path, [&](const std::string&) { return !(found = true); });
    return found;
  }

  bool has_test(const std::string& path) const override {
    return !is_image_name(path) && has_part(sort_out(list_images(path)), "test");
  }

  Data open(const std::string& path, const DataOptions& options) const override {
    check(fs::exists(path), "[images] ", path, ": no such file or folder");
    if (!is_image_name(path) || fs::is_directory(path)) {
      return with_binarization(open_set(path, options), options, "none");
    }
    refuse_test(options, path);
    const auto x = decode_all({read_file(path)}, {{path, "", ""}}, options);
    return with_binarization(held(x, Tensor(), {}, {path}), options, "none");
  }

 private:
  static Data held(const Tensor& x, const Tensor& y, const std::vector<std::string>& classes,
                   std::vector<std::string> names) {
    Arrays arrays;
    arrays.x = x;
    arrays.y = y;
    arrays.names = std::move(names);
    arrays.schemas.x = {{x.sizes().begin() + 1, x.sizes().end()}, Kind::kByte, Json::object()};
    if (y.defined()) arrays.schemas.y = category_schema(classes);
    return in_memory(std::move(arrays));
  }

  Data open_set(const std::string& path, const DataOptions& options) const {
    const auto all = sort_out(list_images(path));
    check(!all.empty(), "[images] ", path, ": holds no PNG or JPEG");
    const auto pictures = chosen(all, options, path);
    const auto classes = classes_of(all);
    const auto y = labels_among(classes, pictures);
    if (fs::is_directory(path)) {
      const auto files = std::make_shared<PictureFiles>(path, pictures);
      if (pixels_of(*files, options) > 1e9 * options_.memory) {
        return streamed_images(files, y, classes, options);
      }
    }
    std::vector<std::string> names;
    for (const auto& p : pictures) names.push_back(p.name);
    return held(decode_all(read_all(path, pictures), pictures, options), y, classes,
                std::move(names));
  }

  /// Of all pictures, if they are like the first.
  static double pixels_of(const PictureFiles& files, const DataOptions& options) {
    const auto [height, width] = resize_of(options);
    const auto first = decode_image(files.encoded(0), files.name(0));
    const double each =
        static_cast<double>(height > 0 ? first.size(0) * height * width : first.numel());
    return each * static_cast<double>(files.size());
  }

  ImageOptions options_;
};

const bool added = readers().add<ImageOptions>(
    "images",
    "a folder or archive (tar, zip) of PNG and JPEG; sub-folders are labels, train/ and "
    "test/ are parts",
    [](const ImageOptions& options) { return std::make_shared<ImageReader>(options); });

}  // namespace
}  // namespace elbo

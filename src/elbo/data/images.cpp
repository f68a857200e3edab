#include <algorithm>
#include <filesystem>
#include <map>

#include "elbo/data/open.h"
#include "elbo/data/picture_folder.h"
#include "elbo/data/picture_pixels.h"
#include "elbo/data/reader.h"
#include "elbo/data/streamed_images.h"
#include "elbo/io/archive.h"
#include "elbo/io/file.h"
#include "elbo/io/image.h"

namespace elbo {
namespace {

namespace fs = std::filesystem;

/// The pictures of the part that is asked for. Raises an Error where there are none.
std::vector<PlacedPicture> chosen(PictureLayout& layout, const DataOptions& options,
                                  const std::string& path) {
  const auto& all = layout.pictures;
  std::vector<PlacedPicture> some;
  const bool parts = !all[0].part.empty();
  if (!parts) refuse_test(options, path);
  int64_t other = 0;
  for (const auto& p : all) {
    if (!parts || options.split == "all" || p.part == options.split) some.push_back(p);
    other += p.part == "val";
  }
  check(!some.empty(), "[images] ", path, ": no images in its part ", options.split);
  if (other > 0 && options.split == "train") {
    layout.notes.push_back("val/: " + std::to_string(other) +
                           (other == 1 ? " picture validates" : " pictures validate") +
                           " (left out where --validation says how many others do; --split all "
                           "trains on every part)");
  }
  some.resize(static_cast<size_t>(kept_rows(options, static_cast<int64_t>(some.size()))));
  return some;
}

/// The undecoded files, in the order of the pictures.
std::vector<std::string> read_all(const std::string& path,
                                  const std::vector<PlacedPicture>& pictures) {
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

/// Pictures of a folder, read when they are needed.
class PictureFiles : public PictureSource {
 public:
  PictureFiles(std::string folder, const std::vector<PlacedPicture>& pictures)
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
Tensor labels_among(const std::vector<std::string>& classes,
                    const std::vector<PlacedPicture>& pictures) {
  if (classes.empty()) return Tensor();
  std::vector<int64_t> labels;
  for (const auto& p : pictures) {
    labels.push_back(std::lower_bound(classes.begin(), classes.end(), p.label) - classes.begin());
  }
  return torch::tensor(labels, torch::kInt64);
}

class ImageReader : public Reader {
 public:
  explicit ImageReader(PictureOptions options) : options_(std::move(options)) {}

  bool accepts(const std::string& path) const override {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) return holds_picture(path);
    return (is_archive_name(path) && !holds_table_name(path)) || is_image_name(path);
  }

  bool has_test(const std::string& path) const override { return has_part(path, "test"); }
  bool has_validation(const std::string& path) const override { return has_part(path, "val"); }

  Data open(const std::string& path, const DataOptions& options) const override {
    check(fs::exists(path), "[images] ", path, ": no such file or folder");
    if (!is_image_name(path) || fs::is_directory(path)) {
      return with_binarization(open_set(path, options), options, "none");
    }
    refuse_test(options, path);
    return with_binarization(held({read_file(path)}, {{path, "", ""}}, {}, {}, options), options,
                             "none");
  }

 private:
  bool has_part(const std::string& path, const std::string& part) const {
    if (is_image_name(path)) return false;
    const auto layout = lay_out(list_pictures(path).names, options_.layout);
    return std::any_of(layout.pictures.begin(), layout.pictures.end(),
                       [&](const auto& p) { return p.part == part; });
  }

  /// "rows.csv.zip" is a table, not pictures.
  static bool holds_table_name(const std::string& path) {
    return path.find(".csv.") != std::string::npos || path.find(".tsv.") != std::string::npos;
  }

  Data held(const std::vector<std::string>& files, const std::vector<PlacedPicture>& pictures,
            const std::vector<std::string>& classes, std::vector<std::string> notes,
            const DataOptions& options) const {
    std::vector<std::string> names;
    for (const auto& p : pictures) names.push_back(p.name);
    auto set = decode_set(files, names, options_, options);
    Arrays arrays;
    for (const int64_t k : set.kept) arrays.names.push_back(names[static_cast<size_t>(k)]);
    arrays.x = set.x;
    const bool bytes = set.x.scalar_type() == torch::kUInt8;
    arrays.schemas.x = {
        {set.x.sizes().begin() + 1, set.x.sizes().end()}, Kind::kByte, Json::object()};
    if (!bytes) arrays.schemas.x = real_schema(set.x);
    arrays.y = labels_among(classes, pictures);
    if (arrays.y.defined()) {
      arrays.y = arrays.y.index_select(0, torch::tensor(set.kept, torch::kInt64));
      arrays.schemas.y = category_schema(classes);
    }
    notes.insert(notes.end(), set.notes.begin(), set.notes.end());
    if (!notes.empty()) arrays.schemas.x.detail["notes"] = notes;
    return in_memory(std::move(arrays));
  }

  Data open_set(const std::string& path, const DataOptions& options) const {
    const auto listing = list_pictures(path);
    auto notes = listing_notes(listing);
    check(!listing.names.empty(), "[images] ", path, ": holds no pictures",
          notes.empty() ? "" : "; " + join(notes, "; "));
    auto layout = lay_out(listing.names, options_.layout);
    const auto pictures = chosen(layout, options, path);
    notes.insert(notes.end(), layout.notes.begin(), layout.notes.end());
    if (fs::is_directory(path)) {
      const auto files = std::make_shared<PictureFiles>(path, pictures);
      if (pixels_of(*files, options) > 1e9 * options_.memory) {
        return streamed_images(files, labels_among(layout.classes, pictures), layout.classes,
                               options, notes);
      }
    }
    return held(read_all(path, pictures), pictures, layout.classes, notes, options);
  }

  /// Of all pictures, if they are like the first.
  static double pixels_of(const PictureFiles& files, const DataOptions& options) {
    const auto [height, width] = resize_of(options);
    const auto first = decode_image(files.encoded(0), files.name(0));
    const double each =
        static_cast<double>(height > 0 ? first.size(0) * height * width : first.numel());
    return each * static_cast<double>(files.size());
  }

  PictureOptions options_;
};

const bool images_added = readers().add<PictureOptions>(
    "images",
    "a folder or archive (tar, zip) of PNG, JPEG, BMP, PGM, PPM, WebP, GIF and TIFF; sub-folders "
    "are "
    "labels, train/, val/ and test/ are parts",
    [](const PictureOptions& options) { return std::make_shared<ImageReader>(options); });

}  // namespace
}  // namespace elbo

#include "elbo/data/picture_pixels.h"

#include <algorithm>

#include "elbo/data/open.h"
#include "elbo/data/reader.h"
#include "elbo/io/image.h"
#include "elbo/io/picture.h"
#include "elbo/kernels/parallel.h"

namespace elbo {
namespace {

bool is_deep(const Picture& picture) { return picture.levels > 255; }

/// Whether bytes are wanted: somebody said so, or the model was trained on bytes.
bool wants_bytes(const PictureOptions& how, const DataOptions& options) {
  return how.depth == "8" || (options.like && (options.like->x.kind == Kind::kByte ||
                                               options.like->x.kind == Kind::kBinary));
}

Tensor sized(const Tensor& pixels, const DataOptions& options) {
  const auto [height, width] = resize_of(options);
  return height > 0 ? resize_image(pixels, height, width) : pixels;
}

/// The model's pictures; null where nothing is known of them.
const Schema* model_pictures(const DataOptions& options) {
  return options.like && options.like->x.shape.size() == 3 ? &options.like->x : nullptr;
}

/// As many channels as the model's pictures have, and where nobody has asked for a size their size.
Tensor like_model(const Tensor& pixels, const DataOptions& options) {
  const auto* x = model_pictures(options);
  if (!x || x->shape[0] == 2 || x->shape[0] > 3) return pixels;
  auto image = pixels;
  if (x->shape[0] == 1 && pixels.size(0) == 3) {
    const auto luma = torch::tensor({0.299, 0.587, 0.114}).view({3, 1, 1});
    image = (pixels.to(torch::kFloat32) * luma).sum(0, true);
    if (pixels.scalar_type() == torch::kUInt8) image = image.round().to(torch::kUInt8);
  } else if (x->shape[0] == 3 && pixels.size(0) == 1) {
    image = pixels.expand({3, -1, -1});
  }
  return options.resize.empty() ? resize_image(image, x->shape[1], x->shape[2]) : image;
}

std::string of_all(size_t n, size_t all) {
  return std::to_string(n) + " of " + std::to_string(all) + (all == 1 ? " picture" : " pictures");
}

class SetDecoder {
 public:
  SetDecoder(const std::vector<std::string>& files, const std::vector<std::string>& names,
             const PictureOptions& how, const DataOptions& options)
      : files_(files),
        names_(names),
        how_(how),
        options_(options),
        pictures_(files.size()),
        faults_(files.size()),
        recoloured_(files.size(), 0),
        resized_(files.size(), 0) {}

  PictureSet decode() {
    kernels::over_ranges(0, static_cast<int64_t>(files_.size()), 16, [&](int64_t from, int64_t to) {
      for (auto i = static_cast<size_t>(from); i < static_cast<size_t>(to); ++i) read(i);
    });
    for (size_t i = 0; i < files_.size(); ++i) {
      if (faults_[i].empty()) set_.kept.push_back(static_cast<int64_t>(i));
    }
    check(!set_.kept.empty(), "[images] none of ", files_.size(),
          " pictures can be read: ", faults_[0]);
    const bool deep = std::any_of(pictures_.begin(), pictures_.end(), is_deep);
    const bool like_deep = options_.like && options_.like->x.kind == Kind::kReal;
    deep_ = (deep || like_deep) && !wants_bytes(how_, options_);
    tell(deep);
    join_all();
    return std::move(set_);
  }

 private:
  void read(size_t i) {
    try {
      auto& picture = pictures_[i];
      picture = decode_picture(files_[i], names_[i]);
      auto pixels = wants_bytes(how_, options_) ? as_bytes(picture) : picture.pixels;
      if (how_.exif == "turn") pixels = upright(pixels, picture.orientation);
      if (pixels.scalar_type() != torch::kUInt8) pixels = pixels.to(torch::kFloat32);
      const auto read = sized(pixels, options_);
      picture.pixels = like_model(read, options_);
      recoloured_[i] = read.size(0) != picture.pixels.size(0);
      resized_[i] = read.sizes().slice(1) != picture.pixels.sizes().slice(1);
    } catch (const Error& error) {
      if (!how_.skip_invalid) {
        fail(error.what(), " (--skip-invalid leaves such pictures out)");
      }
      faults_[i] = error.what();
    }
  }

  template <class Is>
  size_t count(const Is& is) const {
    return static_cast<size_t>(std::count_if(pictures_.begin(), pictures_.end(), is));
  }

  void tell(bool deep) {
    const size_t all = files_.size();
    auto& notes = set_.notes;
    if (set_.kept.size() < all) {
      const auto first =
          std::find_if(faults_.begin(), faults_.end(), [](const auto& f) { return !f.empty(); });
      notes.push_back(of_all(all - set_.kept.size(), all) + " left out, e.g. " + *first);
    }
    if (const auto n = count([](const auto& p) { return p.orientation > 1; })) {
      notes.push_back(of_all(n, all) +
                      (how_.exif == "turn"
                           ? " turned as their EXIF orientation says (--exif ignore reads "
                             "them as stored)"
                           : " read as stored, not as their EXIF orientation says"));
    }
    if (const auto n = count([](const auto& p) { return p.cmyk; })) {
      notes.push_back(of_all(n, all) + " converted from CMYK to RGB");
    }
    if (const auto n = count([](const auto& p) { return p.frames > 1; })) {
      notes.push_back(of_all(n, all) + " of several frames or pages: the first is read");
    }
    if (const auto n = std::count(recoloured_.begin(), recoloured_.end(), 1)) {
      notes.push_back(of_all(static_cast<size_t>(n), all) + " converted to the model's " +
                      (options_.like->x.shape[0] == 1 ? "grey" : "colour"));
    }
    if (const auto n = std::count(resized_.begin(), resized_.end(), 1)) {
      const auto& shape = options_.like->x.shape;
      notes.push_back(of_all(static_cast<size_t>(n), all) + " resized to the model's " +
                      std::to_string(shape[1]) + "x" + std::to_string(shape[2]));
    }
    if (deep_ && !deep) {
      notes.push_back(
          "bytes are read as numbers from 0 to 65535, as the model's pictures have them");
    } else if (deep_) {
      notes.push_back(of_all(count(is_deep), all) +
                      " have 16 bits a pixel: all are read as numbers from 0 to 65535 (--depth 8 "
                      "rounds them to bytes)");
    } else if (deep) {
      notes.push_back(of_all(count(is_deep), all) + " have 16 bits a pixel, rounded to 8");
    }
  }

  void join_all() {
    const auto& first = pictures_[static_cast<size_t>(set_.kept[0])].pixels;
    const auto dimensions = [](const Tensor& t) {
      return std::to_string(t.size(2)) + "x" + std::to_string(t.size(1));
    };
    int64_t channels = 1;
    for (const int64_t k : set_.kept) {
      const auto& image = pictures_[static_cast<size_t>(k)].pixels;
      channels = std::max(channels, image.size(0));
      check(image.sizes().slice(1) == first.sizes().slice(1), "[images] ",
            names_[static_cast<size_t>(k)], " has ", dimensions(image), " pixels, ",
            names_[static_cast<size_t>(set_.kept[0])], " has ", dimensions(first),
            "; --resize HEIGHTxWIDTH makes them equal");
    }
    const auto n = static_cast<int64_t>(set_.kept.size());
    set_.x = torch::empty({n, channels, first.size(1), first.size(2)},
                          deep_ ? torch::kFloat32 : torch::kUInt8);
    for (int64_t i = 0; i < n; ++i) {
      auto& picture = pictures_[static_cast<size_t>(set_.kept[static_cast<size_t>(i)])];
      constexpr int64_t kByteStep = 257;  // a byte among 16 bits
      auto image = picture.pixels;
      if (deep_ && !is_deep(picture)) image = image.to(torch::kFloat32) * kByteStep;
      set_.x[i].copy_(image.expand({channels, -1, -1}));
      picture.pixels = Tensor();
    }
  }

  const std::vector<std::string>& files_;
  const std::vector<std::string>& names_;
  const PictureOptions& how_;
  const DataOptions& options_;
  std::vector<Picture> pictures_;
  std::vector<std::string> faults_;
  std::vector<char> recoloured_, resized_;  // to be like the model's
  PictureSet set_;
  bool deep_ = false;
};

}  // namespace

PictureSet decode_set(const std::vector<std::string>& files, const std::vector<std::string>& names,
                      const PictureOptions& how, const DataOptions& options) {
  return SetDecoder(files, names, how, options).decode();
}

Tensor decode_to_bytes(std::string_view bytes, const std::string& name, const PictureOptions& how,
                       const DataOptions& options) {
  const auto picture = decode_picture(bytes, name);
  check(!is_deep(picture) || wants_bytes(how, options), "[images] ", name,
        " has 16 bits a pixel; pictures that are read as they are needed have 8: --depth 8 rounds "
        "them, a larger --memory keeps a folder's as they are");
  const auto pixels = as_bytes(picture);
  const auto turned = how.exif == "turn" ? upright(pixels, picture.orientation) : pixels;
  return like_model(sized(turned, options), options);
}

}  // namespace elbo

#pragma once

#include <string>
#include <vector>

#include "elbo/data/dataset.h"
#include "elbo/data/open.h"

namespace elbo {

struct PictureOptions {
  double memory = 4;
  std::string layout = "auto", depth = "auto", exif = "turn";
  bool skip_invalid = false;
  template <class F>
  void fields(F&& f) {
    f("memory", memory,
      "gigabytes of pixels to keep in memory; larger folders are decoded picture by picture as "
      "needed",
      at_least(0));
    f("layout", layout,
      "meaning of folders: parts (train/, test/, val/, whatever lies beside them), classes (every "
      "folder), flat (none); auto = parts where train/ lies beside test/ or val/, else classes",
      one_of({"auto", "parts", "classes", "flat"}));
    depth_fields(f);
    f("skip_invalid", skip_invalid,
      "leave out pictures or molecules that cannot be read, and count them");
  }
  template <class F>
  void depth_fields(F&& f) {
    f("depth", depth,
      "bits of a pixel: 8 rounds deeper pictures to bytes; auto reads them as numbers",
      one_of({"auto", "8"}));
    f("exif", exif, "EXIF orientation: turn (as viewers do) or ignore (as stored)",
      one_of({"turn", "ignore"}));
  }
};
/// Those of them that concern single pictures.
struct PixelOptions : PictureOptions {
  template <class F>
  void fields(F&& f) {
    depth_fields(f);
  }
};

/// The pixels of a set of pictures: bytes, or float32 where some have more than 8 bits.
struct PictureSet {
  Tensor x;                        // [N, C, H, W]; gray ones become RGB where some are
  std::vector<int64_t> kept;       // places of the pictures that could be read
  std::vector<std::string> notes;  // what was turned, converted, left out
};
/// Decodes files, in the order of their names.
PictureSet decode_set(const std::vector<std::string>& files, const std::vector<std::string>& names,
                      const PictureOptions& how, const DataOptions& options);
/// One picture as bytes; a deeper one is an Error unless options say that 8 bits will do.
Tensor decode_to_bytes(std::string_view bytes, const std::string& name, const PictureOptions& how,
                       const DataOptions& options);

}  // namespace elbo

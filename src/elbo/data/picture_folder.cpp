#include "elbo/data/picture_folder.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>

#include "elbo/core/error.h"
#include "elbo/core/registry.h"
#include "elbo/core/text.h"
#include "elbo/io/archive.h"
#include "elbo/io/image.h"
#include "elbo/io/picture.h"

namespace elbo {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShownNames = 3;

bool is_hidden(const fs::path& path) {
  const auto name = path.filename().string();
  return name.starts_with(".") || name == "Thumbs.db" || name == "desktop.ini";
}

/// Calls `take` with each file's path relative to the folder until it says stop.
class FolderWalk {
 public:
  FolderWalk(std::string folder, std::function<bool(const std::string&)> take,
             std::vector<std::string>* broken)
      : folder_(std::move(folder)), take_(std::move(take)), broken_(broken) {
    walk(folder_);
  }

 private:
  bool walk(const fs::path& folder) {
    std::error_code failed;
    const auto real = fs::canonical(folder, failed);
    const bool again = std::find(above_.begin(), above_.end(), real) != above_.end();
    if (again) return miss(folder);
    above_.push_back(real);
    fs::directory_iterator at(folder, failed), end;
    bool on = true;
    for (; on && !failed && at != end; at.increment(failed)) on = visit(at->path());
    check(!failed, "[images] ", folder.string(), ": ", failed.message());
    above_.pop_back();
    return on;
  }
  bool visit(const fs::path& path) {
    if (is_hidden(path)) return true;
    std::error_code failed;
    const auto status = fs::status(path, failed);
    if (fs::is_directory(status)) return walk(path);
    if (!fs::exists(status)) return miss(path);
    return take_(path.lexically_relative(folder_).generic_string());
  }
  bool miss(const fs::path& path) {
    if (broken_) broken_->push_back(path.lexically_relative(folder_).generic_string());
    return true;
  }

  std::string folder_;
  std::function<bool(const std::string&)> take_;
  std::vector<std::string>* broken_;
  std::vector<fs::path> above_;  // folders on the way here
};

/// The part of a path before its first slash; empty where there is none.
std::string top(const std::string& name) {
  const auto slash = name.find('/');
  return slash == std::string::npos ? "" : name.substr(0, slash);
}
std::string below(const std::string& name) {
  const auto slash = name.find('/');
  return slash == std::string::npos ? name : name.substr(slash + 1);
}
std::vector<std::string> folders_of(const std::string& name) {
  std::vector<std::string> folders;
  for (auto rest = name; !top(rest).empty(); rest = below(rest)) folders.push_back(top(rest));
  return folders;
}

/// train, test or val for the names that parts have; empty for others.
std::string part_named(const std::string& folder) {
  static const std::map<std::string, std::string> parts = {
      {"train", "train"}, {"training", "train"}, {"test", "test"},     {"testing", "test"},
      {"val", "val"},     {"valid", "val"},      {"validation", "val"}};
  const auto at = parts.find(lower_case(folder));
  return at == parts.end() ? "" : at->second;
}

std::string joined(const std::vector<std::string>& names) {
  const std::vector<std::string> some(names.begin(),
                                      names.begin() + std::min(names.size(), kShownNames));
  return join(some) + (names.size() > kShownNames ? ", …" : "");
}

std::string pictures_text(size_t n) {
  return std::to_string(n) + (n == 1 ? " picture" : " pictures");
}

/// Names that are taken out of a list, with the folders (or files) that they lie in.
struct LeftOut {
  size_t count = 0;
  std::set<std::string> places;
  void add(const std::string& place) {
    ++count;
    places.insert(place);
  }
  std::string text() const {
    return pictures_text(count) + " in " + joined({places.begin(), places.end()});
  }
};

/// Whether a folder holds what belongs to pictures elsewhere: by its name, and for names that a
/// class may have as well only beside a folder of pictures or parts.
class MaskFolders {
 public:
  explicit MaskFolders(const std::vector<std::string>& names) {
    for (const auto& name : names) {
      std::string above;
      for (const auto& folder : folders_of(name)) {
        const auto small = lower_case(folder);
        static const std::set<std::string> pictures = {"images",   "image",  "imgs",  "img",
                                                       "pictures", "photos", "input", "inputs"};
        if (pictures.count(small) || !part_named(folder).empty()) with_pictures_.insert(above);
        above += folder + "/";
      }
    }
  }
  /// The mask's folder; empty where the picture is none.
  std::string of(const std::string& name) const {
    static const std::set<std::string> always = {"ground_truth", "groundtruth", "ground-truth"};
    static const std::set<std::string> maybe = {
        "mask", "masks", "gt", "labels", "annotations", "segmentation", "segmentations"};
    std::string above;
    for (const auto& folder : folders_of(name)) {
      const auto small = lower_case(folder);
      if (always.count(small)) return above + folder;
      if (maybe.count(small) && with_pictures_.count(above)) return above + folder;
      above += folder + "/";
    }
    return "";
  }

 private:
  std::set<std::string> with_pictures_;
};

/// "a_mask.png" beside "a.png" (or "a.jpg").
std::set<std::string> masks_beside(const std::vector<std::string>& names) {
  std::set<std::string> stems, masks;
  const auto stem = [](const std::string& name) { return name.substr(0, name.rfind('.')); };
  for (const auto& name : names) stems.insert(stem(name));
  for (const auto& name : names) {
    const auto own = stem(name);
    for (const std::string end : {"_mask", "_gt", "_groundtruth"}) {
      if (own.ends_with(end) && stems.count(own.substr(0, own.size() - end.size())))
        masks.insert(name);
    }
  }
  return masks;
}

class Layout {
 public:
  Layout(std::vector<std::string> names, std::string how)
      : names_(std::move(names)), how_(std::move(how)) {}

  PictureLayout find() {
    if (how_ != "flat") {
      take_off_shared();
      if (how_ != "classes") leave_out_masks();
      take_off_shared();
      if (how_ != "classes") find_parts();
    }
    for (size_t i = 0; i < names_.size(); ++i) place(names_[i]);
    find_classes();
    return std::move(layout_);
  }

 private:
  std::string rest(const std::string& name) const { return name.substr(skip_); }

  void take_off_shared() {
    for (;;) {
      const auto first = names_.empty() ? "" : top(rest(names_[0]));
      const bool shared = std::all_of(names_.begin(), names_.end(),
                                      [&](const auto& name) { return top(rest(name)) == first; });
      if (first.empty() || !shared || !part_named(first).empty()) return;
      skip_ += first.size() + 1;
    }
  }

  /// Takes out the names for which `where` names a place.
  template <class Where>
  LeftOut leave_out(const Where& where) {
    LeftOut out;
    std::vector<std::string> kept;
    for (auto& name : names_) {
      const std::string place = where(name);
      if (place.empty()) {
        kept.push_back(std::move(name));
      } else {
        out.add(place);
      }
    }
    names_ = std::move(kept);
    return out;
  }

  void leave_out_masks() {
    const MaskFolders masks([&] {
      std::vector<std::string> all;
      for (const auto& name : names_) all.push_back(rest(name));
      return all;
    }());
    const auto beside = masks_beside(names_);
    const auto is_mask = [&](const std::string& name) {
      return !masks.of(rest(name)).empty() || beside.count(name);
    };
    if (std::all_of(names_.begin(), names_.end(), is_mask)) return;
    const auto out = leave_out([&](const std::string& name) {
      const auto folder = masks.of(rest(name));
      return folder.empty() && beside.count(name) ? rest(name) : folder;
    });
    if (out.count == 0) return;
    note("left out as masks of other pictures: " + out.text() + " (--layout classes reads them)");
  }

  /// The folder at which parts lie: 0, or 1 below folders of categories; -1 where there are none.
  int64_t parts_at() const {
    for (int64_t depth = 0; depth < 2; ++depth) {
      std::set<std::string> found;
      size_t count = 0;
      for (const auto& name : names_) {
        const auto folders = folders_of(rest(name));
        if (static_cast<int64_t>(folders.size()) <= depth) continue;
        const auto part = part_named(folders[static_cast<size_t>(depth)]);
        if (part.empty()) continue;
        found.insert(part);
        ++count;
      }
      const bool sure = found.count("train") && found.size() > 1;
      const bool all = depth == 0 && count == names_.size() && count > 0;
      if (sure || all || (how_ == "parts" && count > 0)) return depth;
    }
    return -1;
  }

  void find_parts() {
    depth_ = parts_at();
    check(depth_ >= 0 || how_ != "parts", "[images] layout: parts asked for, no folder is called ",
          "train, test or val");
    if (depth_ < 0) return;
    const auto out = leave_out([&](const std::string& name) {
      const auto folders = folders_of(rest(name));
      const auto depth = static_cast<size_t>(depth_);
      if (folders.size() > depth && !part_named(folders[depth]).empty()) return std::string();
      return folders.empty() ? rest(name) : folders[0] + "/";
    });
    if (out.count > 0) {
      note("left out beside the parts train/, test/ and val/: " + out.text() +
           " (--layout classes reads all folders as classes)");
    }
  }

  void place(const std::string& name) {
    PlacedPicture picture{name, "", ""};
    if (how_ != "flat") {
      const auto folders = folders_of(rest(name));
      size_t at = 0;
      if (depth_ >= 0) {
        const auto depth = static_cast<size_t>(depth_);
        picture.part = part_named(folders[depth]);
        if (depth_ == 1) picture.label = folders[0];
        at = depth + 1;
      }
      if (folders.size() > at) {
        picture.label += (picture.label.empty() ? "" : "/") + folders[at];
      }
    }
    layout_.pictures.push_back(std::move(picture));
  }

  /// Every picture lies in a folder, and there are several folders.
  void find_classes() {
    std::set<std::string> labels;
    size_t without = 0;
    for (const auto& p : layout_.pictures) {
      if (p.label.empty())
        ++without;
      else
        labels.insert(p.label);
    }
    if (labels.size() + (without > 0) < 2 || labels.empty()) return;
    if (without > 0 && how_ != "classes") {
      note(pictures_text(without) +
           " in no folder of a class: folders are not read as labels (--layout classes "
           "leaves these pictures out)");
      return;
    }
    if (without > 0) {
      note("left out: " + pictures_text(without) + " in no folder of a class");
      auto& all = layout_.pictures;
      all.erase(
          std::remove_if(all.begin(), all.end(), [](const auto& p) { return p.label.empty(); }),
          all.end());
    }
    if (labels.size() > 1) layout_.classes.assign(labels.begin(), labels.end());
  }

  void note(const std::string& text) { layout_.notes.push_back(text); }

  std::vector<std::string> names_;
  std::string how_;
  size_t skip_ = 0;
  int64_t depth_ = -1;
  PictureLayout layout_;
};

}  // namespace

PictureListing list_pictures(const std::string& path) {
  PictureListing listing;
  const auto take = [&](const std::string& name) {
    if (is_image_name(name)) {
      listing.names.push_back(name);
    } else {
      ++listing.others[lower_case(fs::path(name).extension().string())];
    }
    return true;
  };
  if (fs::is_directory(path)) {
    FolderWalk(path, take, &listing.broken);
  } else {
    read_archive(
        path,
        [&](const std::string& name) {
          // The Macintosh puts a hidden file beside each.
          if (!is_hidden(name) && !name.starts_with("__MACOSX/")) take(name);
          return false;
        },
        [](const std::string&, const std::string&) {});
  }
  auto& names = listing.names;
  std::sort(names.begin(), names.end());
  const auto more = std::unique(names.begin(), names.end());
  listing.replaced = names.end() - more;
  names.erase(more, names.end());
  std::sort(listing.broken.begin(), listing.broken.end());
  return listing;
}

bool holds_picture(const std::string& folder) {
  bool found = false;
  FolderWalk(
      folder, [&](const std::string& name) { return !(found = is_image_name(name)); }, nullptr);
  return found;
}

PictureLayout lay_out(const std::vector<std::string>& names, const std::string& how) {
  return Layout(names, how).find();
}

std::vector<std::string> listing_notes(const PictureListing& listing) {
  std::vector<std::string> notes;
  std::string others;
  for (const auto& [ending, count] : listing.others) {
    const auto package = package_for(ending);
    others += (others.empty() ? "" : ", ") + std::to_string(count) + " " +
              (ending.empty() ? "without an ending" : ending) +
              (package.empty() ? "" : " (pictures that need " + package + " at building)");
  }
  if (!others.empty()) notes.push_back("files left out: " + others);
  if (listing.replaced > 0) {
    notes.push_back("pictures left out, since a later one of the archive has the same name: " +
                    std::to_string(listing.replaced));
  }
  if (!listing.broken.empty()) {
    notes.push_back(std::to_string(listing.broken.size()) +
                    " links left out, which lead nowhere or back: " + joined(listing.broken));
  }
  return notes;
}

}  // namespace elbo

#include <glob.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "elbo/data/open.h"
#include "elbo/data/picture_pixels.h"
#include "elbo/data/reader.h"
#include "elbo/data/streamed_images.h"
#include "elbo/io/image.h"
#include "elbo/io/json_text.h"
#include "elbo/io/tar_index.h"

namespace elbo {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kMostLabelBytes = 1 << 20, kMostLabels = 10000;

/// "name-{000..031}.tar" as its 32 names; other text as it is.
std::vector<std::string> numbered(const std::string& path) {
  const auto open = path.find('{'), dots = path.find("..", open), close = path.find('}', open);
  if (open == std::string::npos) return {path};
  const auto whole = [&](size_t from, size_t to) {
    int64_t n = -1;
    const auto [end, error] = std::from_chars(path.data() + from, path.data() + to, n);
    const bool good = error == std::errc() && end == path.data() + to && n >= 0;
    check(good, "[shards] ", path, ": expected {FIRST..LAST} as in name-{000..031}.tar");
    return n;
  };
  check(dots < close && close != std::string::npos, "[shards] ", path,
        ": expected {FIRST..LAST} as in name-{000..031}.tar");
  const int64_t first = whole(open + 1, dots), last = whole(dots + 2, close);
  constexpr int64_t kMostShards = 1000000;
  check(first <= last && last - first < kMostShards, "[shards] ", path, ": ", first, "..", last,
        " is not a range, or one of more than ", kMostShards, " shards");
  const auto digits = dots - open - 1;
  std::vector<std::string> names;
  for (int64_t n = first; n <= last; ++n) {
    auto number = std::to_string(n);
    if (number.size() < digits) number.insert(0, digits - number.size(), '0');
    names.push_back(path.substr(0, open) + number + path.substr(close + 1));
  }
  return names;
}

/// Files that match * and ?, in the order of their names.
std::vector<std::string> matching(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> names;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    names.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  return names;
}

std::vector<std::string> shards_of(const std::string& path) {
  const bool pattern = path.find_first_of("*?[") != std::string::npos;
  if (!pattern && !fs::is_directory(path)) return numbered(path);
  const auto names = matching(pattern ? path : (fs::path(path) / "*.tar").string());
  if (names.empty() && !fs::path(path).is_absolute() && std::getenv("ELBO_DATA")) {
    return matching((fs::path(std::getenv("ELBO_DATA")) / path).string());
  }
  return names;
}

/// A member's key is its path up to the first point of its last part; what follows is its kind.
std::pair<std::string, std::string> key_and_kind(const std::string& name) {
  const auto slash = name.rfind('/');
  const auto point = name.find('.', slash == std::string::npos ? 0 : slash + 1);
  if (point == std::string::npos) return {name, ""};
  return {name.substr(0, point), name.substr(point + 1)};
}

/// The label in a .cls file (a whole number) or a .json file ({"label": n}); none is an Error.
int64_t label_in(const std::string& bytes, bool json, const std::string& where) {
  if (!json) {
    int64_t label = -1;
    const auto [end, error] = std::from_chars(bytes.data(), bytes.data() + bytes.size(), label);
    const auto rest = std::string(end, bytes.data() + bytes.size());
    const bool whole =
        error == std::errc() && rest.find_first_not_of(" \r\n\t") == std::string::npos;
    check(whole && label >= -1 && label < kMostLabels, "[shards] ", where, ": \"",
          bytes.substr(0, 20), "\" is not a label; expected a whole number from 0 to ",
          kMostLabels - 1, ", or -1");
    return label;
  }
  const auto object = try_parse_json(bytes);
  check(object.is_object(), "[shards] ", where, ": not a JSON object");
  for (const char* key : {"label", "cls", "class"}) {
    const auto at = object.find(key);
    if (at == object.end()) continue;
    const bool whole = at->is_number_integer() && *at >= -1 && *at < kMostLabels;
    check(whole, "[shards] ", where, ": ", key, " is ", at->dump().substr(0, 40),
          ", expected a whole number from 0 to ", kMostLabels - 1);
    return at->get<int64_t>();
  }
  return -1;
}

/// Where every picture of some tar files lies. The pictures stay there.
class Shards : public PictureSource {
 public:
  /// Stops after so many pictures; 0 = all.
  Shards(const std::vector<std::string>& paths, int64_t most) {
    for (const auto& path : paths) {
      files_.push_back(std::make_unique<PieceFile>(path));
      index_shard(most);
      if (most > 0 && size() >= most) break;
    }
  }

  int64_t size() const override { return static_cast<int64_t>(places_.size()); }
  std::string encoded(int64_t row) const override {
    const auto& place = places_.at(static_cast<size_t>(row));
    return files_[place.file]->read(place.offset, place.size);
  }
  std::string name(int64_t row) const override {
    const auto& place = places_.at(static_cast<size_t>(row));
    return files_[place.file]->path() + ":" + std::to_string(place.offset);
  }

  /// [N] labels, undefined where there are none.
  Tensor labels() const {
    const bool any = std::any_of(labels_.begin(), labels_.end(), [](int16_t y) { return y >= 0; });
    return any ? torch::tensor(torch::ArrayRef<int16_t>(labels_), torch::kInt64) : Tensor();
  }
  int64_t classes() const { return *std::max_element(labels_.begin(), labels_.end()) + 1; }

 private:
  // 16 bytes a picture: a set of a hundred million has an index of under 2 GB.
  struct Place {
    int64_t offset;
    int32_t size;
    uint32_t file;
  };

  void index_shard(int64_t most) {
    const auto& file = *files_.back();
    std::string key;
    int64_t label = -1;
    bool pictured = false;
    const auto close = [&] {
      if (pictured) labels_.push_back(static_cast<int16_t>(label));
      label = -1;
      pictured = false;
    };
    for_each_member(file.path(), [&](const TarMember& member) {
      const auto [own, kind] = key_and_kind(member.name);
      if (own != key) {
        close();
        key = own;
      }
      const auto where = file.path() + ":" + member.name;
      if (kind == "cls" || kind == "json") {
        check(member.size <= kMostLabelBytes, "[shards] ", where, ": a label of ", member.size,
              " bytes");
        const auto found = label_in(file.read(member.offset, member.size), kind == "json", where);
        if (found >= 0 || kind == "cls") label = found;
      } else if (is_image_name(member.name) && !(most > 0 && size() >= most)) {
        check(!pictured, "[shards] ", where, ": a second picture of the key ", key);
        check(member.size <= INT32_MAX, "[shards] ", where, ": a picture of ", member.size,
              " bytes");
        places_.push_back({member.offset, static_cast<int32_t>(member.size),
                           static_cast<uint32_t>(files_.size() - 1)});
        pictured = true;
      }
    });
    close();
  }

  std::vector<std::unique_ptr<PieceFile>> files_;
  std::vector<Place> places_;
  std::vector<int16_t> labels_;
};

class ShardReader : public Reader {
 public:
  bool accepts(const std::string&) const override { return false; }  // asked for by name
  Data open(const std::string& path, const DataOptions& options) const override {
    refuse_test(options, path);
    const auto paths = shards_of(path);
    check(!paths.empty(), "[shards] ", path, ": no such files");
    const auto shards = std::make_shared<Shards>(paths, options.rows);
    check(shards->size() > 0, "[shards] ", path, ": holds no KEY.png or KEY.jpg");
    const auto y = shards->labels();
    std::vector<std::string> classes;
    for (int64_t k = 0; y.defined() && k < shards->classes(); ++k) {
      classes.push_back(std::to_string(k));
    }
    return with_binarization(streamed_images(shards, y, classes, options), options, "none");
  }
};

const bool shards_added = readers().add<PixelOptions>(
    "shards",
    "tar files of pictures in WebDataset's layout, KEY.png or .jpg beside KEY.cls or .json, read "
    "as they are needed: shards:DIR, shards:DIR/*.tar, shards:name-{000..031}.tar",
    [](const PixelOptions&) { return std::make_shared<ShardReader>(); });

}  // namespace
}  // namespace elbo

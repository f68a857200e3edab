#include <filesystem>
#include <map>

#include "elbo/core/text.h"
#include "elbo/data/open.h"
#include "elbo/data/reader.h"
#include "elbo/io/archive.h"
#include "elbo/io/file_bytes.h"
#include "elbo/io/npy.h"

namespace elbo {
namespace {

using Members = std::map<std::string, std::string>;  // array name in lower case -> its file

/// "file.npz:name" as the file and the name of an array in it.
std::pair<std::string, std::string> split_name(const std::string& path) {
  const auto at = path.rfind(".npz:");
  if (at == std::string::npos) return {path, ""};
  return {path.substr(0, at + 4), path.substr(at + 5)};
}

std::string array_name(const std::string& file) {
  return lower_case(file.ends_with(".npy") ? file.substr(0, file.size() - 4) : file);
}

Members list_arrays(const std::string& path) {
  Members members;
  read_archive(
      path,
      [&](const std::string& file) {
        members[array_name(file)] = file;
        return false;
      },
      [](const std::string&, const std::string&) {});
  return members;
}

/// The first of the usual names that is among the members; empty where none is.
std::string first_of(const Members& members, const std::vector<std::string>& names) {
  for (const auto& name : names) {
    if (members.count(name)) return name;
  }
  return "";
}

/// Which arrays of an archive play which part.
struct Roles {
  std::string x, y, factors;
  std::string other_y;  // labels of the other part, which may know more classes
};

Roles roles_of(const Members& members, const std::string& wanted, const std::string& part,
               const std::string& where) {
  std::vector<std::string> names;
  for (const auto& [name, file] : members) names.push_back(name);
  check(!names.empty(), "[npz] ", where, ": holds no arrays");
  if (!wanted.empty()) {
    check(members.count(lower_case(wanted)) > 0, "[npz] ", where, ": no array \"", wanted,
          "\"; known: ", join(names));
    return {lower_case(wanted), "", "", ""};
  }
  if (!part.empty()) {
    const std::string other = part == "train" ? "test" : "train";
    return {"x_" + part, first_of(members, {"y_" + part}), "", first_of(members, {"y_" + other})};
  }
  Roles roles{first_of(members, {"x", "images", "imgs", "data", "features", "arr_0"}),
              first_of(members, {"y", "labels", "label", "targets", "target"}),
              first_of(members, {"factors", "latents_classes"}), ""};
  if (roles.x.empty() && names.size() == 1) roles.x = names[0];
  check(!roles.x.empty(), "[npz] ", where, ": no array x; name one as in ", where, ":", names[0],
        "; known: ", join(names));
  return roles;
}

std::map<std::string, Tensor> read_members(const std::string& path, const Roles& roles) {
  std::map<std::string, Tensor> arrays;
  read_archive(
      path,
      [&](const std::string& file) {
        const auto name = array_name(file);
        return name == roles.x || name == roles.y || name == roles.factors || name == roles.other_y;
      },
      [&](const std::string& file, const std::string& bytes) {
        arrays[array_name(file)] = parse_npy(bytes, path + ":" + file);
      });
  return arrays;
}

Data from_archive(const std::string& path, const Roles& roles, const DataOptions& options) {
  const auto tensors = read_members(path, roles);
  Arrays arrays;
  set_x(arrays, tensors.at(roles.x), options, path + ":" + roles.x);
  const int64_t rows = arrays.x.size(0);
  if (!roles.y.empty()) {
    const auto other = tensors.find(roles.other_y);
    const auto also = other == tensors.end() ? Tensor() : other->second;
    set_labels(arrays, tensors.at(roles.y), also, path + ":" + roles.y, options.like.get());
  }
  if (class_names(arrays.schemas.y) == std::vector<std::string>{"-1", "1"}) {
    arrays.schemas.x.detail["notes"].push_back("the labels -1 and 1 are two classes");
  }
  if (!roles.factors.empty()) {
    const auto& factors = tensors.at(roles.factors);
    check(factors.dim() == 2 && factors.size(0) >= rows, "[npz] ", path,
          ": factors are not rows x factors");
    arrays.factors = factors.narrow(0, 0, rows).to(torch::kFloat32);
  }
  return in_memory(std::move(arrays));
}

struct ArrayOptions {
  std::string kind = "auto", channels = "auto";
  template <class F>
  void fields(F&& f) {
    f("kind", kind,
      "kind of the values (real = real numbers, even where all lie within [0, 1] or are whole; "
      "count "
      "= whole numbers, even where pictures hold 0 to 255)",
      one_of({"auto", "real", "count"}));
    f("channels", channels,
      "axis of a row's channels: first (C x H x W), last (H x W x C), one (H x W are grey "
      "pictures), "
      "none (H x W are plain numbers); auto = the axis of at most four",
      one_of({"auto", "first", "last", "one", "none"}));
  }
};

class ArrayReader : public Reader {
 public:
  bool accepts(const std::string& path) const override {
    const auto file = lower_case(split_name(path).first);
    return file.ends_with(".npy") || file.ends_with(".npy.gz") || file.ends_with(".npz");
  }

  bool has_test(const std::string& path) const override {
    const auto [file, name] = split_name(path);
    return name.empty() && file.ends_with(".npz") && two_parts(list_arrays(file));
  }

  Data open(const std::string& path, const DataOptions& options) const override {
    const auto [file, name] = split_name(path);
    if (!file.ends_with(".npz")) {
      refuse_test(options, path);
      Arrays arrays;
      const auto bytes = file_bytes(file);
      set_x(arrays, parse_npy(bytes.bytes, file, bytes.owner), options, file);
      return with_binarization(in_memory(std::move(arrays)), options, "none");
    }
    check(std::filesystem::is_regular_file(file), "[npz] ", file, ": no such file");
    const auto members = list_arrays(file);
    Data data;
    if (!name.empty() || !two_parts(members)) {
      refuse_test(options, path);
      data = from_archive(file, roles_of(members, name, "", file), options);
    } else if (options.split != "all") {
      data = from_archive(file, roles_of(members, name, options.split, file), options);
    } else {
      data = both_parts(file, members, options);
    }
    return with_binarization(data, options, "none");
  }

 private:
  static bool two_parts(const Members& members) {
    return members.count("x_train") > 0 && members.count("x_test") > 0;
  }
  static Data both_parts(const std::string& file, const Members& members, DataOptions options) {
    const auto train = from_archive(file, roles_of(members, "", "train", file), options);
    if (options.rows > 0 && train->size() >= options.rows) return train;
    if (options.rows > 0) options.rows -= train->size();
    options.like = std::make_shared<const Schemas>(train->schemas());
    return concat({train, from_archive(file, roles_of(members, "", "test", file), options)});
  }
};

const bool arrays_added = readers().add<ArrayOptions>(
    "arrays", "NumPy arrays: FILE.npy, FILE.npz (x and y, or x_train …), FILE.npz:NAME",
    [](const ArrayOptions&) { return std::make_shared<ArrayReader>(); });

}  // namespace
}  // namespace elbo

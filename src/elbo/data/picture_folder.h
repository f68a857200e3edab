#pragma once

#include <map>
#include <string>
#include <vector>

#include "elbo/core/options.h"

namespace elbo {

/// What lies in a folder or an archive of pictures.
struct PictureListing {
  std::vector<std::string> names;         // of pictures, sorted, with / between folders
  std::map<std::string, int64_t> others;  // how many files of each other ending
  int64_t replaced = 0;  // pictures of an archive that a later one of the same name replaces
  std::vector<std::string> broken;  // links that lead nowhere, or back to where they came from
};
/// Goes through a folder, links to folders and files included, or an archive. Hidden files do not
/// count.
PictureListing list_pictures(const std::string& path);
/// Whether the folder holds a picture.
bool holds_picture(const std::string& folder);

/// A picture of a source: where it is, and what its place says about it.
struct PlacedPicture {
  std::string name, part, label;  // part: train, test, val; empty = there are no parts
};
/// How folders are understood.
struct PictureLayout {
  std::vector<PlacedPicture> pictures;
  std::vector<std::string> classes;  // sorted names; empty = no labels
  std::vector<std::string> notes;    // what was left out, and why
};
/// Takes off the folders that all names share, leaves out masks, then finds parts (train/ beside
/// test/ or val/, also below folders of categories) and classes. `how`: auto; parts = train/ and
/// test/ are parts whatever lies beside them; classes = every first folder is a class; flat = none
/// is.
PictureLayout lay_out(const std::vector<std::string>& names, const std::string& how);
/// What the listing left out, as notes.
std::vector<std::string> listing_notes(const PictureListing& listing);

}  // namespace elbo

#include "elbo/data/open.h"

#include <cstdlib>
#include <filesystem>

#include "elbo/data/dataset.h"
#include "elbo/data/label_rows.h"
#include "elbo/data/memory_source.h"
#include "elbo/data/named_reader.h"
#include "elbo/data/source.h"
#include "elbo/io/foreign_file.h"

namespace elbo {
namespace {

namespace fs = std::filesystem;

// Their paths are names, not files.
constexpr const char* kBuiltin = "builtin";
constexpr const char* kMemoryReader = "memory";

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// A source may name a part of a file after a colon: "file.npz:x", "file.db:table".
bool source_exists(const std::string& path) {
  const auto colon = path.rfind(':');
  return exists(path) || (colon != std::string::npos && colon > 0 && exists(path.substr(0, colon)));
}

std::string data_folder() {
  const char* folder = std::getenv("ELBO_DATA");
  return folder ? folder : "";
}

/// The path itself, or under $ELBO_DATA where only that exists.
std::string locate(const std::string& path) {
  const auto folder = data_folder();
  if (folder.empty() || source_exists(path) || fs::path(path).is_absolute()) return path;
  const auto there = (fs::path(folder) / path).string();
  return source_exists(there) ? there : path;
}

struct Source {
  std::shared_ptr<Reader> reader;
  std::string path, name;
  bool named = false;  // the text names its reader
};

/// `own`: options of the reader.
Source find_source(const std::string& text, const Json& own = Json::object()) {
  check(!text.empty(), "[data] no path given");
  const auto colon = text.find(':');
  const auto prefix = colon == std::string::npos ? "" : text.substr(0, colon);
  for (const auto& entry : readers().entries()) {
    if (entry.name != prefix) continue;
    const auto path = text.substr(colon + 1);
    check(!path.empty(), "[data] ", text, ": no path after the colon");
    return {entry.make(own), prefix == kBuiltin ? path : locate(path), entry.name, true};
  }
  const auto path = locate(text);
  if (!source_exists(path)) {
    const bool word = !prefix.empty() && prefix.find_first_of("/.\\") == std::string::npos;
    if (word) readers().find(prefix);
    const auto folder = data_folder();
    fail("[data] ", text, ": no such file or folder",
         folder.empty() ? "" : ", nor under ELBO_DATA=" + folder);
  }
  std::vector<std::string> names;
  for (const auto& entry : readers().entries()) {
    if (entry.make(Json::object())->accepts(path)) return {entry.make(own), path, entry.name};
    names.push_back(entry.name);
  }
  const auto holds = [&](const char* name) { return std::filesystem::exists(path + "/" + name); };
  check(!holds("spec.json") || !holds("weights.safetensors"), "[data] ", text,
        ": is a run, which elbo train has written; commands that take one have it before the data, "
        "as in elbo evaluate ",
        text, " DATA");
  const auto hint = conversion_hint(path);
  check(hint.empty(), "[data] ", text, ": ", hint);
  fail("[data] ", text, ": not recognised; name its reader as in images:", text,
       "; known: ", join(names));
}

/// "series:x.csv" as {"series", "x.csv"}; a reader that was not named is "".
std::pair<std::string, std::string> reader_and_path(const std::string& text) {
  const auto colon = text.find(':');
  for (const auto& entry : readers().entries()) {
    if (colon != std::string::npos && entry.name == text.substr(0, colon)) {
      return {entry.name, text.substr(colon + 1)};
    }
  }
  return {"", text};
}

bool is_pattern(const std::string& path) {
  return path.find_first_of("*?{[,") != std::string::npos;
}

/// A model of a series reads a file that names no reader as one.
std::string of_model(const std::string& text, const DataOptions& options) {
  if (!options.like || !options.like->x.detail.contains("changes")) return text;
  const auto found = find_source(text);
  return !found.named && found.name == "table" ? "series:" + text : text;
}

}  // namespace

bool source_here(const std::string& text) {
  const auto [reader, path] = reader_and_path(text);
  if (reader == kMemoryReader) return memory_source(path) != nullptr;
  return reader == kBuiltin || source_exists(locate(path)) || is_pattern(path);
}

std::string source_path(const std::string& text) { return locate(reader_and_path(text).second); }

bool source_in_place(const std::string& text, const std::string& folder) {
  const auto [reader, path] = reader_and_path(text);
  const bool fixed = reader == kBuiltin || reader == kMemoryReader || is_pattern(path);
  if (fixed || fs::path(path).is_absolute()) return true;
  const auto within = [&, name = path](const std::string& place) {
    return !place.empty() && source_exists((fs::path(place) / name).string());
  };
  return within(folder) || within(data_folder());
}

std::string shown_source(const std::string& text) {
  const auto [reader, path] = reader_and_path(text);
  const fs::path whole(path);
  if (!whole.is_absolute()) return text;
  const auto name = whole.has_filename() ? whole.filename() : whole.parent_path().filename();
  return (reader.empty() ? "" : reader + ":") + name.string();
}

std::string source_from(const std::string& text, const std::string& folder) {
  const auto [reader, path] = reader_and_path(text);
  if (folder.empty() || path.empty() || reader == kBuiltin || reader == kMemoryReader ||
      fs::path(path).is_absolute())
    return text;
  const auto there = (fs::path(folder) / path).lexically_normal();
  std::error_code ignored;
  const bool found = source_exists(there.string()) ||
                     (is_pattern(path) && fs::is_directory(there.parent_path(), ignored));
  if (!found || fs::equivalent(there, path, ignored)) return text;
  return (reader.empty() ? "" : reader + ":") + there.string();
}

Registry<Reader>& readers() {
  static Registry<Reader> registry("reader");
  return registry;
}

std::vector<OptionHelp> reader_options() {
  std::vector<OptionHelp> all;
  for (const auto& entry : readers().entries()) {
    for (const auto& option : entry.options) {
      const bool known = std::any_of(all.begin(), all.end(),
                                     [&](const auto& other) { return other.name == option.name; });
      if (!known) all.push_back(option);
    }
  }
  return all;
}

Data open_data(const std::string& text, const DataOptions& options) {
  const auto source = find_source(of_model(text, options), options.reader);
  auto data = source.reader->open(source.path, options);
  check(data->size() > 0, "[data] ", text, ": holds no rows");
  if (options.split != "test" && options.split != "val") {
    if (!options.labels.empty()) data = with_labels(data, options.labels, options.like.get());
    if (options.labels_per_class > 0) {
      data = few_labels(data, options.labels_per_class, options.label_seed);
    }
    if (!options.without.empty()) data = without_alarms(data, options.without);
  }
  return options.condition == "label" ? label_as_condition(data) : data;
}

std::string data_path(const std::string& text) { return find_source(text).path; }

NamedReader named_reader(const std::string& text) {
  const auto source = find_source(text);
  return {source.name, source.path, source.named};
}

bool has_validation_split(const std::string& text) {
  const auto source = find_source(text);
  return source.reader->has_validation(source.path);
}

bool has_test_split(const std::string& text) {
  const auto source = find_source(text);
  return source.reader->has_test(source.path);
}

}  // namespace elbo

#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "elbo/core/api.h"
#include "elbo/core/options.h"
#include "elbo/core/words.h"

namespace ELBO_API elbo {

inline std::string join(const std::vector<std::string>& words, const char* separator = ", ") {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : separator) + word;
  return text;
}

/// Names to makers. An entry carries its own help: lists, docs, flags and web forms read it.
template <class T, class... Args>
class Registry {
 public:
  struct Entry {
    std::string name, about;
    std::function<std::shared_ptr<T>(Args..., const Json& options)> make;
    std::vector<OptionHelp> options;
  };

  explicit Registry(std::string kind) : kind_(std::move(kind)) {}

  /// Called from a static initialiser.
  bool add(Entry entry) {
    const auto at =
        std::lower_bound(entries_.begin(), entries_.end(), entry.name,
                         [](const Entry& e, const std::string& name) { return e.name < name; });
    entries_.insert(at, std::move(entry));
    return true;
  }

  /// The same for a part with an option struct: make receives the options read and checked.
  template <class Options, class Make>
  bool add(std::string name, std::string about, Make make) {
    auto from_json = [make, where = kind_ + " " + name](Args... args, const Json& options) {
      return make(args..., read_options<Options>(options, where));
    };
    return add(Entry{std::move(name), std::move(about), from_json, describe<Options>()});
  }

  /// Throws, naming the known ones.
  const Entry& find(const std::string& name) const {
    for (const auto& entry : entries_) {
      if (entry.name == name) return entry;
    }
    std::vector<std::string> names;
    for (const auto& entry : entries_) names.push_back(entry.name);
    fail("[", kind_, "] unknown \"", name, "\"", known_words(name, names));
  }

  /// From a declaration: "name" or {"type": "name", …options}.
  std::shared_ptr<T> make(Args... args, const Json& declaration) const {
    check(declaration.is_string() || (declaration.is_object() && declaration.contains("type")), "[",
          kind_, "] expected a name or an object with \"type\", found ", declaration.dump());
    const Json options = declaration.is_string() ? Json::object() : declaration;
    const Json& name = declaration.is_string() ? declaration : declaration["type"];
    check(name.is_string(), "[", kind_, "] type: expected a name, found ", name.dump());
    return find(name.template get<std::string>()).make(args..., options);
  }

  const std::vector<Entry>& entries() const { return entries_; }
  const std::string& kind() const { return kind_; }

 private:
  std::string kind_;
  std::vector<Entry> entries_;
};

}  // namespace elbo

#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "elbo/export/autoencoder_config.h"

namespace elbo {

constexpr int64_t kMostPublishedSide = 16384;
constexpr const char* kDiffusersVersion = "0.35.0";  // whose fields are written

/// Fields of a published config.json, each refused by name where it is not what it may be.
class PublishedFields {
 public:
  PublishedFields(const Json& config, const std::string& where) : config_(config), where_(where) {
    check(config.is_object(), "[config] ", where, ": not a JSON object");
  }
  [[noreturn]] void refuse(const char* name, const std::string& allowed) const {
    const auto found = has(name) ? config_[name].dump().substr(0, 80) : "nothing";
    fail("[config] ", where_, ": ", name, ": found ", found, ", expected ", allowed);
  }
  bool has(const char* name) const { return config_.contains(name) && !config_[name].is_null(); }
  void whole(const char* name, int64_t& field, int64_t least, int64_t most) const {
    if (!has(name)) return;
    const auto& value = config_[name];
    const bool fits = value.is_number_integer() && value >= least && value <= most;
    if (!fits)
      refuse(name, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    field = value.get<int64_t>();
  }
  void truth(const char* name, bool& field) const {
    if (!has(name)) return;
    if (!config_[name].is_boolean()) refuse(name, "true or false");
    field = config_[name].get<bool>();
  }
  void number(const char* name, double& field) const {
    if (!has(name)) return;
    if (!config_[name].is_number()) refuse(name, "a number");
    field = config_[name].get<double>();
  }
  void numbers(const char* name, std::vector<double>& field, int64_t size) const {
    if (!has(name)) return;
    const auto& list = config_[name];
    const bool fits =
        list.is_array() && static_cast<int64_t>(list.size()) == size &&
        std::all_of(list.begin(), list.end(), [](const Json& v) { return v.is_number(); });
    if (!fits) refuse(name, std::to_string(size) + " numbers");
    field = list.get<std::vector<double>>();
  }
  void words(const char* name, const std::string& each, size_t count) const {
    if (!has(name)) return;
    const auto& list = config_[name];
    const bool fits =
        list.is_array() && list.size() == count &&
        std::all_of(list.begin(), list.end(), [&](const Json& v) { return v == each; });
    if (!fits) refuse(name, std::to_string(count) + " times \"" + each + "\"");
  }
  const Json& operator[](const char* name) const { return config_[name]; }

  /// Whole numbers within bounds, from one to `most` of them.
  void wholes(const char* name, std::vector<int64_t>& field, int64_t least, int64_t largest,
              size_t most) const {
    if (!has(name)) return;
    const auto& list = config_[name];
    const auto one = [&](const Json& v) {
      return v.is_number_integer() && v >= least && v <= largest;
    };
    const bool fits = list.is_array() && !list.empty() && list.size() <= most &&
                      std::all_of(list.begin(), list.end(), one);
    if (!fits) {
      refuse(name, "up to " + std::to_string(most) + " whole numbers from " +
                       std::to_string(least) + " to " + std::to_string(largest));
    }
    field = list.get<std::vector<int64_t>>();
  }

 private:
  const Json& config_;
  const std::string where_;
};

/// The tiny autoencoder: plain residual blocks of one width, a code without a variance.
AutoencoderConfig read_tiny_config(const PublishedFields& fields);
std::string tiny_config_text(const AutoencoderConfig& config);
Json tiny_spec(const AutoencoderConfig& config);
bool is_tiny_spec(const Json& spec);
AutoencoderConfig tiny_config_of(const Json& spec, const Json& latents);

}  // namespace elbo

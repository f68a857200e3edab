#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "elbo/cli/command.h"
#include "elbo/core/options.h"

namespace elbo {

/// The flags of an option list: `--free-bits` for free_bits. One declaration of options gives
/// flags, help, defaults and ranges.
class Flags {
 public:
  /// `renamed` gives an option another flag, as {"seed", "data-seed"}.
  static std::shared_ptr<Flags> add(CLI::App& app, const std::vector<OptionHelp>& options,
                                    const std::string& group,
                                    const std::map<std::string, std::string>& renamed = {});
  /// The options that the command line named, as JSON that read_options() checks.
  const Json& given() const { return given_; }

 private:
  Json given_ = Json::object();
};

/// Text of a command line as the JSON value it stands for: a number where it reads as one,
/// unless the option's default says that it is text.
Json flag_value(const std::string& text, const Json& default_value);

}  // namespace elbo

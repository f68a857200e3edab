#pragma once

#include <string>

namespace elbo {

/// The reader that DATA of the command line go to, and the path that it gets.
struct NamedReader {
  std::string name, path;
  bool named = false;  // by DATA themselves
};
/// Raises an Error where DATA are nothing that a reader knows.
NamedReader named_reader(const std::string& text);

}  // namespace elbo

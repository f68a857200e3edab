#include "elbo/io/web.h"

#include <utility>
#include <vector>

#include "elbo/core/error.h"

namespace elbo {

std::vector<std::pair<std::string, std::string>> embedded_web();

const std::string& web_file(const std::string& name) {
  static const auto files = embedded_web();
  for (const auto& [known, text] : files) {
    if (known == name) return text;
  }
  fail("[web] the program lacks the file ", name);
}

}  // namespace elbo

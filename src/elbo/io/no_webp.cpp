#include "elbo/core/error.h"
#include "elbo/io/picture.h"

namespace elbo {

bool has_webp() { return false; }

Picture decode_webp(std::string_view, const std::string& where, int64_t) {
  fail("[webp] ", where, ": this build reads no WebP; install libwebp-dev and build again");
}

}  // namespace elbo
